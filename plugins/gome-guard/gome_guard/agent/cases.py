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
    """When a slice counts as lost. Frozen before the replays of benchmarks/guard/agent_replay.py were run."""

    alpha: float = 0.01
    """Family-wise over slices, for a new case."""
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

    slice: int
    n: int
    lost: float
    p_adjusted: float


def lost_slices(old: Array, new: Array, slice_of: Array, settings: CaseSettings | None = None) -> list[Lost]:
    """Slices on which `new` row losses (n,) are significantly and noticeably above `old`."""
    s = settings or CaseSettings()
    spread = float(old.std()) or 1.0
    found: list[tuple[int, int, float, float]] = []
    for code in np.unique(slice_of):
        moved = (new - old)[slice_of == code]
        if len(moved) >= s.min_rows:
            found.append((int(code), len(moved), float(moved.mean()) / spread, _p_worse(moved)))
    adjusted = holm([p for *_, p in found])
    return [
        Lost(slice=code, n=n, lost=lost, p_adjusted=p)
        for (code, n, lost, _), p in zip(found, adjusted, strict=True)
        if p <= s.alpha and lost >= s.effect
    ]


def ruined(lost: Sequence[Lost], settings: CaseSettings | None = None) -> list[Lost]:
    """The lost slices that are reason enough to refuse a step that is better overall."""
    s = settings or CaseSettings()
    return [each for each in lost if each.lost >= s.ruin]


def _p_worse(moved: Array) -> float:
    """One-sided p-value of a mean increase (paired t).

    By Wallace's normal approximation of Student's t (1959), off by 3 % at most from 20 rows on: it spares the half second that scipy
    takes to import.
    """
    spread = float(moved.std(ddof=1))
    if spread == 0:
        return 0.0 if moved.mean() > 0 else 1.0
    t, freedom = float(moved.mean() / (spread / math.sqrt(len(moved)))), len(moved) - 1
    z = math.copysign(math.sqrt(freedom * math.log1p(t * t / freedom)), t) * (8 * freedom + 1) / (8 * freedom + 3)
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def make_case(step: str, lost: Lost, identity: Array, slice_of: Array) -> Case:
    """A case from a lost slice."""
    rows = sorted(int(v) for v in identity[slice_of == lost.slice])
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
            tested.append((case, float(moved.mean()) / spread, _p_worse(moved)))
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
