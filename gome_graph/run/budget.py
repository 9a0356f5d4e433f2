"""The wall-clock budget: hard, shared by all traces, with a reserve for finalise; survives a restart."""

import threading
import time
from collections.abc import Callable

from gome_graph.records import BudgetStage, Seconds

DRAFT_SHARE = 0.10
"""Stage borders by time used: gome.md, "Stages by time used" [C]."""
ENSEMBLE_SHARE = 0.50

FINAL_FIT_SLACK = 1.3
"""Seconds kept for the final fit, per second that the solution would take alone: it has 1 / (1 - audit) times the rows, and times vary."""

FINAL_FIT_SHARE = 0.30
"""Largest share of the budget that the final fit may take: no step leads to a solution that needs more."""
RERUN_SHARE = 0.12
"""Largest share of the budget that is kept for re-runs with other seeds: on a short budget further steps are worth more."""

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
    crowd
        How many times slower scripts are while all traces run than one alone on all cores: traces times their cores, over the cores.
    reruns
        Further seeds that finalise gives the best solutions (gome.md: top-k by seeds, 3 x 3, of which one seed is there already).
    """

    def __init__(
        self, total: Seconds, spent: Seconds = 0.0, clock: Callable[[], float] = time.monotonic, *, crowd: float = 1.0, reruns: int = 2
    ) -> None:
        self.total = total
        self._crowd = max(crowd, 1.0)
        self._reruns = reruns
        self._before = spent
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._incumbents: dict[int, Seconds] = {}
        self.refits = True
        """False where the validated fit saw all rows already, so that no final fit is needed."""

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
        """Seconds kept for finalise, 5 % of the total to `FINAL_FIT_SHARE` + `RERUN_SHARE` of it.

        Enough for the final fit of the slowest incumbent and, as far as `RERUN_SHARE` goes, for re-runs of the incumbents with `reruns`
        further seeds, in as many lanes as there are traces.
        """
        with self._lock:
            seconds = list(self._incumbents.values())
        wanted = START_UP_SECONDS
        if seconds:
            wanted += min(self._reruns * sum(seconds) / len(seconds), RERUN_SHARE * self.total)
            wanted += min(self.final_fit(max(seconds)), FINAL_FIT_SHARE * self.total)
        return max(wanted, 0.05 * self.total)

    def final_fit(self, seconds: Seconds) -> Seconds:
        """Seconds to keep for the final fit of a solution that takes `seconds` while all traces run: then it has the machine alone."""
        return FINAL_FIT_SLACK * seconds / self._crowd if self.refits else 0.0

    @property
    def final_limit(self) -> Seconds:
        """Longest solution, as measured while all traces run, whose final fit keeps within `FINAL_FIT_SHARE`; 0 where there is none."""
        return 0.0 if not self.refits else FINAL_FIT_SHARE * self.total * self._crowd / FINAL_FIT_SLACK

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
