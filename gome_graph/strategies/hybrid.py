"""Gradient with a measured line of sight: several diagnosed directions are tried on a sample, and the steepest goes on.

A weak reasoner's first idea is often wrong and its confidence says nothing; a measurement on a tenth of the rows is cheap and does not lie.
Where the confidences prove to be far too high, directions are no longer trusted at all, and the trace goes on as a tree search.
"""

import math

from gome_graph.hooks import Move, MoveKind, TraceView
from gome_graph.records import VerdictKind
from gome_graph.strategies.branches import SILENT, Tree
from gome_graph.strategies.gradient import DRAFT_TRIES
from gome_graph.strategies.mcts import MctsStrategy

PROBES = 3
"""Directions measured for each step; as many as a step has challenges (gome.md, "Diagnosis")."""
LEAST_STEPS = 6
"""Judged steps before anything is said of the confidence."""
TOO_SURE = 1.645
"""Standard errors by which acceptances may fall short of what was stated: one-sided 5 %."""


def overconfidence(view: TraceView) -> float:
    """By how many standard errors fewer steps were accepted than their confidences said (Spiegelhalter 1986, calibration in the large)."""
    stated = [(view.confidences[line.step], line.outcome == VerdictKind.ACCEPTED) for line in view.history
              if line.step in view.confidences and line.outcome not in SILENT]  # fmt: skip
    if len(stated) < LEAST_STEPS:
        return 0.0
    missing = sum(p - accepted for p, accepted in stated)
    return missing / math.sqrt(max(sum(p * (1.0 - p) for p, _ in stated), 1e-9))


class HybridStrategy:
    """Probed gradient, and tree search where the gradient lies."""

    name = "hybrid"

    def __init__(self) -> None:
        self._search = MctsStrategy()

    def next(self, view: TraceView) -> Move:
        """A root until the first acceptance, then the best of `PROBES` directions; a tree once confidence is badly calibrated."""
        if not any(line.outcome == VerdictKind.ACCEPTED for line in view.history) and view.step < DRAFT_TRIES:
            return Move(MoveKind.ROOT)
        accepted = [branch for branch in Tree.of(view).sound if branch.summary.outcome == VerdictKind.ACCEPTED]
        if not accepted or overconfidence(view) > TOO_SURE:
            return self._search.next(view)
        best = max(accepted, key=lambda branch: branch.value or 0.0)
        return Move(MoveKind.IMPROVE, best.step, probes=PROBES)
