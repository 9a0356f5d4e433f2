"""Symptom ``group_structure``: several rows belong to one entity, and the model or the folds do not know."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, listed, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_Z = 6.0
MIN_RESIDUAL = 0.03
"""Share of the errors' variance that groups explain."""
MIN_TARGET = 0.1
"""The same of the target, from which folds that mix groups can look at the answer of a row's kin."""
MIXED, UNSEEN = 0.5, 0.2


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 4 x the share of the errors' variance that the groups explain, up to 0.7; or, where the test part holds other groups and
    the folds mix them, 0.3 + their share of the target's variance, up to 0.8: the scores are then too good."""
    if pack.tables is None:
        return
    groups = {group.column: (index, group) for index, group in enumerate(pack.tables.groups)}
    apart = [
        (index, g) for index, g in groups.values()
        if g.seen is not None and g.seen <= UNSEEN and g.mixed >= MIXED and g.share >= MIN_TARGET and g.z >= MIN_Z
    ]  # fmt: skip
    left = [(i, s) for i, s in enumerate(pack.structure) if s.kind == "group" and s.z >= MIN_Z and s.share >= MIN_RESIDUAL]
    found: list[tuple[float, list[str], str, str, list[str]]] = []
    if apart:
        index, group = max(apart, key=lambda item: item[1].share)
        found.append((
            min(0.8, 0.3 + group.share), [group.column],
            f"Rows that share {group.column!r} have similar targets ({group.share:.0%} of the variance), only {group.seen or 0:.0%} of the "
            "test rows belong to known groups, and the folds mix groups: the scores are too good",
            f"split by group (--split group:{group.column}); values relative to the group instead of the group's own name or target mean",
            [f"tables.groups.{index}.share", f"tables.groups.{index}.seen", f"tables.groups.{index}.mixed"],
        ))  # fmt: skip
    if left:
        index, facts = left[0]
        columns = [s.column for _, s in left]
        place, known = groups.get(facts.column, (0, None))
        found.append((
            min(0.7, 4 * facts.share), columns,
            f"Errors of rows that share {facts.column!r} are alike ({facts.share:.0%} of their variance, z = {facts.z:.0f}"
            + (f"; {known.groups} groups of {known.rows_each:.1f} rows" if known is not None else "") + ")"
            + (f"; also {listed(columns[1:], 3)}" if len(columns) > 1 else ""),
            "what the rows of a group have in common as features: size, means, values relative to the group"
            + ("" if known is None or (known.seen or 0) < 1 - UNSEEN else ", target statistics inside the folds"),
            [f"structure.{index}.share", *([f"tables.groups.{place}.rows_each"] if known is not None else [])],
        ))  # fmt: skip
    if not found:
        return
    severity, columns, summary, direction, refs = max(found)
    yield Finding(
        symptom="group_structure", component=Component.FEATURES, severity=unit(severity), summary=summary,
        evidence=[item for ref in refs for item in evidence(pack, ref)], direction=direction, columns=columns,
    )  # fmt: skip
