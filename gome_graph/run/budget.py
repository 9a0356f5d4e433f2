"""The wall-clock budget: hard, shared by all traces, with a reserve for finalise; survives a restart."""

import threading
import time
from collections.abc import Callable

from gome_graph.records import BudgetStage, Seconds

DRAFT_SHARE = 0.10
"""Stage borders by time used: gome.md, "Stages by time used" [C]."""
ENSEMBLE_SHARE = 0.50

RERUNS = 2
"""Further seeds that finalise gives the best solutions (gome.md: top-k by seeds, 3 x 3, of which one seed is there already)."""

FINAL_FIT_SLACK = 1.3
"""Seconds kept for the final fit, per second that the solution took in its trace: it has 1 / (1 - audit) times the rows, but all cores."""

START_UP_SECONDS = 1.5
"""Slack for writing the final files and the report, and for the end of the process."""


class Budget:
    """Seconds spent and left.

    Parameters
    ----------
    total
        Budget of the run in seconds.
    spent
        Seconds that earlier processes of the same run have used.
    clock
        Monotonic seconds; tests pass their own.
    """

    def __init__(self, total: Seconds, spent: Seconds = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self._before = spent
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._incumbents: dict[int, Seconds] = {}

    def elapsed(self) -> Seconds:
        """Seconds spent, earlier processes included."""
        return self._before + self._clock() - self._start

    def left(self) -> Seconds:
        """Seconds until the hard end; never negative."""
        return max(0.0, self.total - self.elapsed())

    def note_incumbent(self, trace: int, seconds: Seconds) -> None:
        """Tell how long a trace's new incumbent takes at full stage: what finalise will need follows from it."""
        with self._lock:
            self._incumbents[trace] = seconds

    @property
    def reserve(self) -> Seconds:
        """Seconds kept for finalise, 5 % to 25 % of the total.

        Enough for re-runs of the incumbents with `RERUNS` further seeds, in as many lanes as there are traces, and for the final fit of the
        slowest.
        """
        with self._lock:
            seconds = list(self._incumbents.values())
        wanted = START_UP_SECONDS + (RERUNS * sum(seconds) / len(seconds) + FINAL_FIT_SLACK * max(seconds) if seconds else 0.0)
        return min(max(wanted, 0.05 * self.total), 0.25 * self.total)

    def for_steps(self) -> Seconds:
        """Seconds that steps may still use."""
        return max(0.0, self.left() - self.reserve)

    def step_limit(self) -> Seconds:
        """Wall limit for one script: what is left for steps, but not more than a third of the total."""
        return min(self.for_steps(), self.total / 3)

    def step_goal(self) -> Seconds:
        """What a reasoner should plan a script for: less than what it is killed at, for predictions are rough and a budget should pay for
        several steps a trace."""
        return min(self.for_steps(), self.total / 4)

    def stage(self) -> BudgetStage:
        """Draft, improve or ensemble, by the share of time used."""
        used = self.elapsed() / self.total
        if used < DRAFT_SHARE:
            return BudgetStage.DRAFT
        return BudgetStage.ENSEMBLE if used > ENSEMBLE_SHARE else BudgetStage.IMPROVE
