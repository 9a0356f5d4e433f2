"""Symptom ``time_structure``: neighbours in time are alike, and the model or the folds do not know."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import dated, evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_Z = 6.0
MIN_RESIDUAL = 0.05
"""Serial correlation of the errors; a tenth already lets a model of the neighbours' mean save a percent."""
MIN_TARGET = 0.1
"""Serial correlation of the target from which random folds can look at the answer's neighbours."""
FUTURE = 0.9
"""Share of test rows beyond the last train row from which the test part is the future."""
UNDATED = 0.5
"""Weight of an order that is only that of the file or the id: no column to make features of."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 3 x the serial correlation of the errors, up to 0.7; or, where the test part is the future and the folds are random,
    0.3 + the target's serial correlation, up to 0.8: the scores are then too good."""
    if pack.tables is None:
        return
    orders = {order.column: (index, order) for index, order in enumerate(pack.tables.orders)}
    ahead = [(i, o) for i, o in orders.values() if o.column and o.later >= FUTURE and not o.split_by_time and o.z >= MIN_Z]
    ahead = [(i, o) for i, o in ahead if o.share >= MIN_TARGET]
    left = [(i, s) for i, s in enumerate(pack.structure) if s.kind == "order" and s.z >= MIN_Z and s.share >= MIN_RESIDUAL]
    found: list[tuple[float, str, str, str, list[str]]] = []
    if ahead:
        index, order = max(ahead, key=lambda item: item[1].share)
        found.append((
            min(0.8, 0.3 + order.share), order.column,
            f"{order.later:.0%} of the test rows come after all train rows by {order.column!r}, the target is alike between neighbours "
            f"(correlation {order.share:.2f}), and the folds are drawn at random: the scores are too good",
            f"split by time (--split time:{order.column}), and features that hold in the future: lags, calendar, trends",
            [f"tables.orders.{index}.later", f"tables.orders.{index}.share"],
        ))  # fmt: skip
    if left:
        index, facts = max(left, key=lambda item: item[1].share * (1.0 if dated(pack, item[1].column) else UNDATED))
        name = repr(facts.column) if facts.column else "the order of the file"
        found.append((
            min(0.7, 3 * facts.share) * (1.0 if dated(pack, facts.column) else UNDATED), facts.column,
            f"Errors of neighbours by {name} are alike (correlation {facts.share:.2f}, z = {facts.z:.0f}): something that changes "
            "slowly is missing from the inputs",
            "calendar parts and elapsed time, values of the row before, trends of the entity", [f"structure.{index}.share"],
        ))  # fmt: skip
    if not found:
        return
    severity, column, summary, direction, refs = max(found)
    yield Finding(
        symptom="time_structure", component=Component.FEATURES, severity=unit(severity), summary=summary,
        evidence=[item for ref in refs for item in evidence(pack, ref)], direction=direction,
        columns=[column] if dated(pack, column) else [],
    )  # fmt: skip
