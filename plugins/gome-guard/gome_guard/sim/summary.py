"""Arms side by side: means over seeds, paired differences to "no guard", and intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gome_graph.records import Record
from gome_guard.curate.ladder import STAGES
from gome_guard.ope.intervals import interval, proportion
from gome_guard.records import Interval
from gome_guard.sim.loop import Tally


class ArmSummary(Record):
    """One arm over all seeds."""

    arm: str
    what: str
    value: float
    """Mean true value over refreshes and seeds."""
    value_by_seed: list[float]
    against_none: Interval | None = None
    """Paired difference of the value to the arm `none`, over seeds (t interval)."""
    recurring_flips: float | None
    """Share of requests that the incumbent got right and the update broke, where a segment's signal broke again."""
    first_flips: float | None
    """The same where it broke for the first time."""
    flips_by_seed: list[tuple[float | None, float | None]]
    churn: float | None
    """The same where nothing was wrong."""
    adopted: dict[int, float]
    """Refreshes after a permanent change -> share of its requests that go to the newly right action."""
    curation: dict[str, Interval]
    """Stage -> precision of the reports kept."""
    kept: dict[str, int]
    mined: Interval | None = None
    blocked: int = 0
    """Candidates that were blocked as a whole."""
    fell_back: int = 0
    """Segments that fell back to the incumbent."""
    held: int = 0
    """Cells held by the quarantine, over windows."""
    sealed_broken: Interval | None = None
    """Sealed samples that the policy served at the end gets wrong."""


def share(counts: Sequence[int]) -> float | None:
    """counts[0] of counts[1]; None if there is nothing to count."""
    return counts[0] / counts[1] if counts[1] else None


def summarise(arm: str, what: str, tallies: Sequence[Tally], none: Sequence[Tally] | None = None) -> ArmSummary:
    """Fold the tallies of one arm, one a seed; `none` are those of "no guard" in the same worlds."""
    values = [float(np.mean(t.value)) for t in tallies]
    paired = None
    if none is not None and len(values) >= 2:
        paired = interval(np.array(values) - np.array([float(np.mean(t.value)) for t in none]))
    moved: dict[int, list[float]] = {}
    for tally in tallies:
        for since, shares in tally.moved.items():
            moved.setdefault(since, []).extend(shares)
    stages = {stage: _total([t.stages[stage] for t in tallies]) for stage in STAGES}
    reported = bool(stages["raw"][1])
    mined, sealed = _total([t.mined for t in tallies]), _total([t.sealed for t in tallies])
    return ArmSummary(
        arm=arm, what=what, value=float(np.mean(values)), value_by_seed=values, against_none=paired,
        recurring_flips=share(_total([t.again for t in tallies])), first_flips=share(_total([t.first for t in tallies])),
        flips_by_seed=[(share(t.again), share(t.first)) for t in tallies], churn=share(_total([t.churn for t in tallies])),
        adopted={since: float(np.mean(shares)) for since, shares in sorted(moved.items())},
        curation={stage: proportion(*counts) for stage, counts in stages.items()} if reported else {},
        kept={stage: counts[1] for stage, counts in stages.items()} if reported else {},
        mined=proportion(*mined) if mined[1] else None, blocked=sum(t.blocked for t in tallies), fell_back=sum(t.failing for t in tallies),
        held=sum(t.held for t in tallies), sealed_broken=proportion(*sealed) if sealed[1] else None,
    )  # fmt: skip


def _total(counts: Sequence[Sequence[int]]) -> tuple[int, int]:
    return sum(c[0] for c in counts), sum(c[1] for c in counts)


def adoption(summary: ArmSummary, unguarded: ArmSummary, after: int = 2) -> float | None:
    """Share of what the unguarded policy has moved `after` refreshes after a permanent change that the guarded one has moved too."""
    if after not in summary.adopted or not unguarded.adopted.get(after):
        return None
    return summary.adopted[after] / unguarded.adopted[after]


def as_rows(summaries: Mapping[str, ArmSummary]) -> list[dict[str, Any]]:
    """One line an arm, for tables."""
    none = summaries.get("none")
    return [
        {
            "arm": s.arm, "value": s.value, "against_none": s.against_none, "recurring_flips": s.recurring_flips,
            "first_flips": s.first_flips, "churn": s.churn, "adopted": adoption(s, none) if none is not None else None,
        }
        for s in summaries.values()
    ]  # fmt: skip
