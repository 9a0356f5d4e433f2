"""Symptom ``leaking_column``: one column, its gaps or the id give the target away."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import dated, evidence, listed, unit
from gome_graph.records import Component, DiagnosticPack, Evidence, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_SHARE = 0.96
"""Of the target's variance that one column explains. A very good single feature reaches 0.9."""
MIN_GAPS = 0.5
"""The same for whether the column's value is missing."""
MIN_ORDER = 0.3
"""Serial correlation of the target along the id, where the test rows' ids lie among the train rows'."""
MAX_LATER = 0.5
"""Share of test rows whose id lies beyond the last train row's, up to which both count as mixed."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.3 at the bound, 0.6 for a column that is the target. It may well be a legitimate column: a note to check, first."""
    tables = pack.tables
    if tables is None:
        return
    told: list[tuple[float, str, str, list[Evidence]]] = []
    for index, leak in enumerate(tables.leaks):
        if leak.share >= MIN_SHARE:
            words = f"{leak.column!r} alone explains {leak.share:.1%} of the target's variance"
            severity = 0.3 + 0.3 * (leak.share - MIN_SHARE) / (1 - MIN_SHARE)
            told.append((severity, leak.column, words, evidence(pack, f"tables.leaks.{index}.share", leak.column)))
        elif leak.missing >= MIN_GAPS:
            words = f"whether {leak.column!r} is missing explains {leak.missing:.0%} of it"
            told.append((0.2 + 0.4 * leak.missing, leak.column, words, evidence(pack, f"tables.leaks.{index}.missing", leak.column)))
    for index, order in enumerate(tables.orders):
        among = pack.profile.test_rows > 0 and order.later < MAX_LATER
        name = order.column and order.column == pack.profile.id_column and not dated(pack, order.column)
        if name and order.share >= MIN_ORDER and among:
            words = f"neighbours by {order.column!r} have similar targets (correlation {order.share:.2f}), train and test rows alike"
            told.append((0.2 + 0.4 * order.share, order.column, words, evidence(pack, f"tables.orders.{index}.share", order.column)))
    if not told:
        return
    told.sort(key=lambda item: -item[0])
    columns = [column for _, column, _, _ in told]
    yield Finding(
        symptom="leaking_column", component=Component.DATA, severity=unit(told[0][0]),
        summary=f"{told[0][2][0].upper()}{told[0][2][1:]}" + (f"; also {listed(columns[1:], 3)}" if len(columns) > 1 else "")
        + ": is it known when the prediction is made?",
        evidence=[e for _, _, _, found in told[:3] for e in found],
        direction="keep it if it is known beforehand; if it is recorded with or after the target, leave it out", columns=columns,
    )  # fmt: skip
