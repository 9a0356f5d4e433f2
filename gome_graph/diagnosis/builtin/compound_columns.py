"""Symptom ``compound_columns``: structured strings are taken whole instead of in parts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, listed, script_of, unit
from gome_graph.records import ColumnKind, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.4, and 0.1 more for each further column, up to 0.7."""
    script = script_of(data)
    whole = [
        column.name
        for column in pack.profile.columns
        if column.kind is ColumnKind.COMPOUND and column.separator and column.separator not in script.split_by | script.strings
    ]
    if not whole or not script.parsed:
        return
    first = next(column for column in pack.profile.columns if column.name == whole[0])
    yield Finding(
        symptom="compound_columns", component=Component.FEATURES, severity=unit(min(0.7, 0.3 + 0.1 * len(whole))),
        summary=f"{listed(whole)}: values made of {first.parts} parts around {first.separator!r} ({first.distinct} distinct) are not split",
        evidence=[*column_evidence(pack, whole, "separator"), *column_evidence(pack, whole, "distinct")],
        direction="split them at the separator and use the parts as columns", columns=whole,
    )  # fmt: skip
