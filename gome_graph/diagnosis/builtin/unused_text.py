"""Symptom ``unused_text``: text or list columns that the script leaves aside."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, evidence, listed, unit
from gome_graph.records import ColumnKind, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.4 + words a value / 60 up to 0.9 for text; 0.7 for lists."""
    unused = set(pack.unused_columns)
    texts = [c for c in pack.profile.columns if c.name in unused and c.kind in (ColumnKind.TEXT, ColumnKind.LIST)]
    if not texts:
        return
    severity = max(0.7 if c.kind is ColumnKind.LIST else min(0.9, 0.4 + c.mean_words / 60) for c in texts)
    names = [column.name for column in texts]
    yield Finding(
        symptom="unused_text", component=Component.FEATURES, severity=unit(severity),
        summary=f"Text in {listed(names)} is not used ({max(c.mean_words for c in texts):.0f} words a value)",
        evidence=[*evidence(pack, "unused_columns"), *column_evidence(pack, names, "mean_words")],
        direction="add TF-IDF of words and characters (for lists: one indicator an item)", columns=names,
    )  # fmt: skip
