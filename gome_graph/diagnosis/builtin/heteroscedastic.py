"""Symptom ``heteroscedastic``: errors are much larger in one part of the range than in another."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding, SpreadFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_Z = 6.0
"""For the strongest of some tens of columns; Levene's test keeps its size well for tails of any length."""
MIN_SHARE = 0.03
"""Errors that double from one half of the rows to the other put about 0.09 of the variance of |residual| between them."""
MIN_RATIO = 1.5
ROBUST = frozenset({"mae", "mape", "smape", "pinball"})
"""Metrics under which large errors rule less."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = twice the root of the share of the variance of |residual| that the groups explain, up to 0.8; halved where the metric
    does not square."""
    if pack.score is None:
        return
    uneven = [(i, s) for i, s in enumerate(pack.spread) if s.z >= MIN_Z and s.share >= MIN_SHARE and s.ratio >= MIN_RATIO]
    if not uneven:
        return
    index, worst = uneven[0]
    columns = [s.column for _, s in uneven if s.column]
    by_prediction = next((s for _, s in uneven if not s.column), None)
    grows = by_prediction is not None and by_prediction.rising > 0
    yield Finding(
        symptom="heteroscedastic", component=Component.TRAINING,
        severity=unit(min(0.8, 2 * worst.share**0.5) * (0.5 if pack.score.metric in ROBUST else 1.0)),
        summary=f"Errors differ in size by {_of(worst)}: {worst.ratio:.1f} times as large in one part as in another "
        f"(Levene z = {worst.z:.0f}, {worst.share:.0%} of the variance of |residual|)"
        + (f"; also by {', '.join(_of(s) for _, s in uneven[1:4])}" if len(uneven) > 1 else ""),
        evidence=[e for i in dict.fromkeys([index, *(i for i, _ in uneven[:3])]) for fact in ("share", "ratio")
                  for e in evidence(pack, f"spread.{i}.{fact}", _of(pack.spread[i]))],
        direction="fit a power of the target (log, square root) on which errors are even, or a loss that large errors do not rule"
        if grows and pack.profile.target.nonnegative else
        "weigh or model the noisy part apart: a robust loss, features that explain it, larger leaves there",
        columns=columns,
    )  # fmt: skip


def _of(facts: SpreadFacts) -> str:
    return repr(facts.column) if facts.column else "the prediction"
