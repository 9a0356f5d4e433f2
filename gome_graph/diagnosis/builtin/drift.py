"""Symptom ``drift``: test rows are not like train rows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, listed, unit, used
from gome_graph.records import ColumnKind, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_AUC = 0.57
"""Of all columns together; its error is at most 0.01, and the cost of what lies below is not worth a step."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 1.5 x (AUC of train against test - 0.5), up to 0.6, by what the used columns show; dates that go on count half."""
    tables = pack.tables
    if tables is None or tables.drift is None or tables.drift < MIN_AUC:
        return
    kinds = {column.name: column.kind for column in used(pack)}
    told = [(index, fact) for index, fact in enumerate(tables.drifting) if fact.column in kinds]
    if not told:
        return
    dates = all(kinds[fact.column] is ColumnKind.DATETIME or fact.column == pack.profile.time_column for _, fact in told)
    yield Finding(
        symptom="drift", component=Component.DATA, severity=unit(min(0.6, 1.5 * (tables.drift - 0.5)) * (0.5 if dates else 1.0)),
        summary=f"Train and test rows can be told apart (AUC {tables.drift:.2f}), most by {listed([fact.column for _, fact in told])} "
        f"({told[0][1].auc:.2f} alone): out-of-fold scores promise more than the test rows will give",
        evidence=[*evidence(pack, "tables.drift"),
                  *(e for index, fact in told[:3] for e in evidence(pack, f"tables.drifting.{index}.auc", fact.column))],
        direction="columns in a form that does not drift (ranks, differences, ratios), or without those that drift and help little",
        columns=[fact.column for _, fact in told],
    )  # fmt: skip
