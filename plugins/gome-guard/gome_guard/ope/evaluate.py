"""One call from a log and policies to values, differences and segments, with everything that speaks against them."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from gome_graph.errors import TaskError
from gome_graph.records import Record
from gome_guard.checks import Support, support
from gome_guard.log import Array, Log
from gome_guard.ope.estimators import Settings, all_terms, available
from gome_guard.ope.intervals import interval
from gome_guard.ope.model import cell_means, mrdr_means
from gome_guard.ope.multiplicity import holm
from gome_guard.records import Interval

MIN_SEGMENT = 30
"""Rows below which a segment's normal interval means nothing; it is then called insufficient, never passed."""


class SegmentEstimate(Record):
    """The paired difference on a part of the traffic."""

    segment: str
    rows: int
    difference: Interval | None
    """None: too few rows."""
    p_worse: float | None = None
    """One-sided p-value of "not worse than before"."""
    p_adjusted: float | None = None
    """After Holm's correction over all segments."""
    status: str
    """worse | not_shown | insufficient"""


class Evaluation(Record):
    """Values of a policy, and of the difference to its incumbent."""

    rows: int
    support: Support
    values: dict[str, Interval]
    """Estimator -> value of the candidate."""
    incumbent: dict[str, Interval] = {}
    differences: dict[str, Interval] = {}
    """Estimator -> candidate minus incumbent, paired by row."""
    segments: list[SegmentEstimate] = []
    lower_bound: float | None = None
    """One-sided lower confidence bound of the difference by the main estimator."""
    main: str = "dr"
    notes: list[str] = []


def evaluate(
    log: Log,
    candidate: Array,
    incumbent: Array | None = None,
    *,
    estimators: Sequence[str] | None = None,
    main: str = "dr",
    method: str = "normal",
    level: float = 0.95,
    q: Array | None = None,
    settings: Settings | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Estimate a candidate ``(n, k)``, and its paired difference to an incumbent ``(n, k)``, on a log.

    `q` is a reward model ``(n, k)``; without one, cross-fitted cell means. `bounds` are those of a
    row's terms, for the methods that need them.
    """
    names = list(estimators or available(log))
    if main not in names:
        names.append(main)
    model = cell_means(log, seed=seed) if q is None else q
    given = _terms(log, candidate, model, names, settings, seed)
    values = {name: interval(x, method, level=level, bounds=bounds, seed=seed) for name, x in given.items()}
    covered = support(log, candidate)
    if incumbent is None:
        return Evaluation(rows=len(log), support=covered, values=values, main=main, notes=list(covered.warnings))
    before = _terms(log, incumbent, model, names, settings, seed)
    span = None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])
    differences = {name: interval(given[name] - before[name], method, level=level, bounds=span, seed=seed) for name in given}
    moved = given[main] - before[main]
    return Evaluation(
        rows=len(log), support=covered, values=values, main=main, differences=differences,
        incumbent={name: interval(x, method, level=level, bounds=bounds, seed=seed) for name, x in before.items()},
        segments=by_segment(log, moved, level=level), lower_bound=lower_bound(moved, level), notes=list(covered.warnings),
    )  # fmt: skip


def _terms(log: Log, policy: Array, q: Array, names: Sequence[str], settings: Settings | None, seed: int) -> dict[str, Array]:
    if policy.shape != log.candidates.shape:
        raise TaskError(f"the policy has shape {policy.shape}, the log {log.candidates.shape}.")
    return all_terms(log, policy, q, mrdr_means(log, policy, seed=seed) if "mrdr" in names else None, names, settings)


def lower_bound(moved: Array, level: float = 0.95) -> float:
    """One-sided lower bound of a mean difference (t)."""
    n = len(moved)
    return float(moved.mean() - stats.t.ppf(level, n - 1) * moved.std(ddof=1) / np.sqrt(n))


def by_segment(log: Log, moved: Array, *, level: float = 0.95, min_rows: int = MIN_SEGMENT) -> list[SegmentEstimate]:
    """Paired differences by segment; "worse" only where Holm's step-down over the segments that can be judged says so."""
    found: list[tuple[str, int, Interval | None, float | None]] = []
    for code, name in enumerate(log.segments):
        part = moved[log.segment == code]
        if len(part) < max(min_rows, 2):
            found.append((name, len(part), None, None))
            continue
        error = float(part.std(ddof=1) / np.sqrt(len(part)))
        p = float(stats.t.cdf(part.mean() / error, len(part) - 1)) if error > 0 else (0.0 if part.mean() < 0 else 1.0)
        found.append((name, len(part), interval(part, level=level), p))
    adjusted = iter(holm([p for *_, p in found if p is not None]))
    out = []
    for name, rows, difference, p_worse in found:
        corrected = None if p_worse is None else next(adjusted)
        status = "insufficient" if corrected is None else "worse" if corrected <= 1 - level else "not_shown"
        out.append(SegmentEstimate(segment=name, rows=rows, difference=difference, p_worse=p_worse, p_adjusted=corrected, status=status))
    return out
