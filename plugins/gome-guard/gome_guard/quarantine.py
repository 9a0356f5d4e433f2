"""Change-point quarantine: a signal that jumps is not believed until a second window says the same.

A cell is the part of the traffic on which the incumbent takes one action. Its mean reward in this window is compared with the windows
before (two-sample test). A cell that jumped is held: its rows teach nothing, and the incumbent keeps serving it. If the next window
shows the same level, the change is confirmed: the cell is released with all its rows, and its history begins anew. Otherwise it was
transient, and the rows of that window are dropped for good. One window of confirmation costs a permanent change one refresh.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from gome_graph.records import Record
from gome_guard.log import Array


class QuarantineSettings(Record):
    """When a cell is held."""

    alpha: float = 0.05
    """For each cell, uncorrected: a false hold costs one cell one refresh, a miss costs a regression."""
    effect: float = 0.1
    """Smallest jump of the mean reward that matters; less is drift that learning should follow."""
    min_rows: int = 4
    """Rows of a cell in a window, below which nothing is said of it."""
    confirm: bool = True
    """False: a cell is held as long as it is off its history (permanent changes then wait until the history has moved)."""
    memory: int = 4
    """Windows that make up the history."""


@dataclass
class Cell:
    """What is known of a cell."""

    history: list[tuple[int, float, float]] = field(default_factory=list)
    """(rows, mean, variance) of believed windows, oldest first."""
    held: tuple[int, float, float] | None = None
    """The window in quarantine."""


@dataclass(frozen=True)
class Decision:
    """What one window's look at the cells came to."""

    held: frozenset[int]
    """Cells in quarantine now."""
    confirmed: frozenset[int]
    """Cells whose change was confirmed: believed from here on, also their rows of the window before."""
    dropped: frozenset[int]
    """Cells whose jump of the window before was transient: its rows are never believed."""


class Quarantine:
    """Looks at one window after the other."""

    def __init__(self, settings: QuarantineSettings | None = None) -> None:
        self.settings = settings or QuarantineSettings()
        self.cells: dict[int, Cell] = {}

    def look(self, cell: Array, reward: Array) -> Decision:
        """Decide on a window: `cell` (n,) codes (negative: none), `reward` (n,)."""
        now = {int(code): _summary(reward[cell == code]) for code in np.unique(cell) if code >= 0}
        now = {code: s for code, s in now.items() if s[0] >= self.settings.min_rows}
        jumped = self._jumped(now)
        held, confirmed, dropped = set(), set(), set()
        for code, summary in now.items():
            known = self.cells.setdefault(code, Cell())
            if known.held is not None and self.settings.confirm:
                if code in jumped and _alike(known.held, summary):
                    confirmed.add(code)
                    known.history = [known.held, summary]
                    known.held = None
                    continue
                dropped.add(code)
                known.held = None
            if code in jumped:
                known.held = summary
                held.add(code)
            else:
                known.history = [*known.history, summary][-self.settings.memory :]
        # A held cell that was not seen (too few rows) stays held.
        held |= {code for code, known in self.cells.items() if known.held is not None and code not in now}
        return Decision(frozenset(held), frozenset(confirmed), frozenset(dropped))

    def _jumped(self, now: dict[int, tuple[int, float, float]]) -> set[int]:
        codes, p_values, effects = [], [], []
        for code, (rows, mean, variance) in now.items():
            past = self.cells.get(code, Cell()).history
            if not past:
                continue
            n = sum(p[0] for p in past)
            before = sum(p[0] * p[1] for p in past) / n
            spread = max(sum(p[0] * p[2] for p in past) / n, VARIANCE_FLOOR)
            error = np.sqrt(spread / n + max(variance, spread, VARIANCE_FLOOR) / rows)
            codes.append(code)
            effects.append(abs(mean - before))
            p_values.append(float(2 * stats.norm.sf(abs(mean - before) / error)))
        return {c for c, p, e in zip(codes, p_values, effects, strict=True) if p <= self.settings.alpha and e >= self.settings.effect}


VARIANCE_FLOOR = 0.01
"""A cell that has always been satisfied still varies: a share of 0.99 has this variance."""


def _summary(values: Array) -> tuple[int, float, float]:
    return len(values), float(values.mean()), float(values.var())


def _alike(old: tuple[int, float, float], new: tuple[int, float, float]) -> bool:
    """Both windows could have the same mean (two-sided test at 0.01: to be told apart they must differ clearly)."""
    error = np.sqrt(max(old[2], VARIANCE_FLOOR) / old[0] + max(new[2], VARIANCE_FLOOR) / new[0])
    return bool(abs(old[1] - new[1]) <= float(stats.norm.isf(0.005)) * error)
