"""Symptom ``unseen_categories``: test rows hold values that no training row has."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, listed, unit, used
from gome_graph.records import ColumnKind, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_SHARE = 0.02


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = twice the share of test rows with an unseen value, in the worst column in use, up to 0.6."""
    unseen = sorted((c for c in used(pack, ColumnKind.CATEGORY) if c.unseen >= MIN_SHARE), key=lambda c: -c.unseen)
    if not unseen:
        return
    names = [column.name for column in unseen]
    yield Finding(
        symptom="unseen_categories", component=Component.FEATURES, severity=unit(min(0.6, 2 * unseen[0].unseen)),
        summary=f"{unseen[0].unseen:.1%} of the test rows have a value of {unseen[0].name!r} that train never has"
        + (f"; so for {listed(names[1:], 3)}" if len(names) > 1 else ""),
        evidence=column_evidence(pack, names, "unseen"),
        direction="split the value into parts, group rare values, or encode with a fallback to the mean", columns=names,
    )  # fmt: skip
