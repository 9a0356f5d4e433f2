"""Cases: what a promoted step made worse, row by row, and whether a candidate makes it worse again.

Both tests are paired over rows with the metric's own row losses (or the proxy that the controller gives), so that one slice's loss is
seen where the mean over all rows is better.
"""

import math
from collections.abc import Sequence

import numpy as np

from gome_graph.records import Record
from gome_guard.log import Array
from gome_guard.ope.multiplicity import holm
from gome_guard.records import Status, content_id


class CaseSettings(Record):
    """When a slice counts as lost. Frozen before the replays of benchmarks/guard/agent_replay.py were run, but for `alpha`, which was .01
    until planted faults (benchmarks/guard/planted.py, worlds 100 to 139) had been seen; the replays come out alike with both."""

    alpha: float = 0.05
    """Family-wise over slices, for a new case: it costs nothing until the same rows lose again."""
    ruin_alpha: float = 0.01
    """The same for a refusal the first time."""
    effect: float = 0.15
    """Smallest loss that matters, in standard deviations of the incumbent's row losses."""
    ruin: float = 0.5
    """Loss on a slice, in the same units, with which a step is refused the first time too."""
    min_rows: int = 20
    repeat_alpha: float = 0.05
    """Family-wise over cases: a loss that is known already needs less proof."""
    repeat_share: float = 0.5
    """A candidate repeats a case if it loses at least this share of what was lost then."""
    dispute_after: int = 3
    """Refusals of otherwise better candidates, after which a case only warns."""
    expires_after: int = 40
    """Candidates judged, after which a case that never fired counts no longer."""


class Case(Record):
    """Rows that a promoted step made worse."""

    id: str
    step: str
    """The step that was promoted."""
    rows: list[int]
    """Identities of the rows (see `slices.identities`)."""
    lost: float
    """Mean loss that it added on them, in standard deviations of the row losses before it."""
    status: Status = Status.ACTIVE
    blocked: int = 0
    judged: int = 0
    """Candidates judged since it last fired."""


class Lost(Record):
    """One slice that got worse."""

    cut: int
    """Which of the ways to cut the rows."""
    slice: int
    n: int
    lost: float
    p_adjusted: float

    def of(self, cuts: Sequence[Array]) -> Array:
        """``(n,)`` bool: its rows."""
        return np.asarray(cuts[self.cut] == self.slice)


def lost_slices(old: Array, new: Array, cuts: Sequence[Array], settings: CaseSettings | None = None) -> list[Lost]:
    """Slices on which `new` row losses (n,) are significantly and noticeably above `old`, the surest first.

    `cuts` are ways to cut the rows, each ``(n,)`` int with -1 for rows in no slice. A slice that lost takes its rows with it before
    another is looked for, so that what merely shares rows with it is not named as well.
    """
    s = settings or CaseSettings()
    spread, moved, left = float(old.std()) or 1.0, new - old, np.ones(len(old), bool)
    named = list[Lost]()
    while found := [each for each in _tested(moved, cuts, left, spread, s) if each.p_adjusted <= s.alpha and each.lost >= s.effect]:
        named.append(min(found, key=lambda each: (each.p_adjusted, -each.lost)))
        left &= ~named[-1].of(cuts)
    return named


def _tested(moved: Array, cuts: Sequence[Array], left: Array, spread: float, settings: CaseSettings) -> list[Lost]:
    """Every slice of enough rows among those that are `left`, with what it lost."""
    found: list[tuple[int, int, int, float, float]] = []
    for number, cut in enumerate(cuts):
        counts, means, deviations = _by_slice(moved, np.where(left, cut, -1))
        found += [
            (number, code, int(n), float(mean) / spread, _p_worse(float(mean), float(deviation), int(n)))
            for code, (n, mean, deviation) in enumerate(zip(counts, means, deviations, strict=True))
            if n >= settings.min_rows
        ]
    adjusted = holm([p for *_, p in found])
    return [
        Lost(cut=number, slice=code, n=n, lost=lost, p_adjusted=p) for (number, code, n, lost, _), p in zip(found, adjusted, strict=True)
    ]


def _by_slice(moved: Array, cut: Array) -> tuple[Array, Array, Array]:
    """Rows, mean and standard deviation of `moved` in each slice."""
    inside = cut >= 0
    codes, values = cut[inside], moved[inside]
    counts = np.bincount(codes)
    means = np.bincount(codes, values) / np.maximum(counts, 1)
    squares = np.bincount(codes, (values - means[codes]) ** 2)
    return counts, means, np.sqrt(squares / np.maximum(counts - 1, 1))


def ruined(lost: Sequence[Lost], settings: CaseSettings | None = None) -> list[Lost]:
    """The lost slices that are reason enough to refuse a step that is better overall."""
    s = settings or CaseSettings()
    return [each for each in lost if each.lost >= s.ruin and each.p_adjusted <= s.ruin_alpha]


def _p_worse(mean: float, deviation: float, n: int) -> float:
    """One-sided p-value of a mean increase over n rows (paired t).

    By Wallace's normal approximation of Student's t (1959), off by 3 % at most from 20 rows on: it spares the half second that scipy
    takes to import.
    """
    if deviation == 0:
        return 0.0 if mean > 0 else 1.0
    t, freedom = mean / (deviation / math.sqrt(n)), n - 1
    z = math.copysign(math.sqrt(freedom * math.log1p(t * t / freedom)), t) * (8 * freedom + 1) / (8 * freedom + 3)
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def make_case(step: str, lost: Lost, identity: Array, cuts: Sequence[Array]) -> Case:
    """A case from a lost slice."""
    rows = sorted(int(v) for v in identity[lost.of(cuts)])
    return Case(id=content_id(step, rows), step=step, rows=rows, lost=lost.lost)


def repeated(
    cases: Sequence[Case], old: Array, new: Array, identity: Array, settings: CaseSettings | None = None
) -> list[tuple[Case, float]]:
    """Active and disputed cases that a candidate repeats, with what it loses on them. Rows that are not there any more do not count."""
    s = settings or CaseSettings()
    spread = float(old.std()) or 1.0
    tested: list[tuple[Case, float, float]] = []
    for case in cases:
        if case.status not in (Status.ACTIVE, Status.DISPUTED):
            continue
        moved = (new - old)[np.isin(identity, np.array(case.rows, dtype=identity.dtype))]
        if len(moved) >= s.min_rows:
            mean = float(moved.mean())
            tested.append((case, mean / spread, _p_worse(mean, float(moved.std(ddof=1)), len(moved))))
    adjusted = holm([p for *_, p in tested])
    return [
        (case, lost)
        for (case, lost, _), p in zip(tested, adjusted, strict=True)
        if p <= s.repeat_alpha and lost >= max(s.repeat_share * case.lost, s.effect / 2)
    ]


def aged(case: Case, fired: bool, settings: CaseSettings | None = None) -> Case:
    """The case after one more candidate was judged: a refusal counts towards dispute, silence towards expiry."""
    s = settings or CaseSettings()
    if fired:
        blocked = case.blocked + 1
        status = Status.DISPUTED if blocked >= s.dispute_after else case.status
        return case.model_copy(update={"blocked": blocked, "judged": 0, "status": status})
    judged = case.judged + 1
    return case.model_copy(update={"judged": judged, "status": Status.STALE if judged >= s.expires_after else case.status})
