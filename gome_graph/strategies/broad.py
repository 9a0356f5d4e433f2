"""The gradient that broadens where it stagnates: a new root beside the old solution, and in the end the best of all is gone on with.

Solutions of every root stay in the run's library, so the reasoner's ensemble techniques merge what several of them have found.
"""

from gome_graph.hooks import Move, MoveKind, TraceView
from gome_graph.records import VerdictKind
from gome_graph.strategies.branches import Branch, Tree
from gome_graph.strategies.gradient import DRAFT_TRIES

STAGNANT = 6
"""Steps in a row without an acceptance after which a trace stagnates: at one improving step in five, a run of six says little, and of
twelve (with the second root) a lot."""
MOST_ROOTS = 3
"""Roots that a trace may improve; as many as a run has traces (gome.md, "Traces")."""


class BroadStrategy:
    """Directed updates as `gradient`; a fresh root after `STAGNANT` rejected steps or where nothing is left to try."""

    name = "broad"

    def next(self, view: TraceView) -> Move:
        """Root until the first acceptance; then improve the newest accepted step, broaden, and end with the best one."""
        tree = Tree.of(view)
        accepted = [branch for branch in tree.branches if branch.summary.outcome == VerdictKind.ACCEPTED]
        if not accepted:
            return Move(MoveKind.ROOT if view.step < DRAFT_TRIES else MoveKind.STOP)
        newest = accepted[-1]
        rejected = len(tree.branches) - 1 - tree.branches.index(newest)
        roots = sum(branch.parent is None for branch in accepted)
        tried = len(tree.roots) - roots  # roots that failed count as well: a trace does not draft for ever
        if roots + tried // 2 < MOST_ROOTS and (rejected >= STAGNANT or newest.step in view.exhausted):
            return Move(MoveKind.ROOT)
        if rejected < STAGNANT and newest.step not in view.exhausted:
            return Move(MoveKind.IMPROVE, newest.step)
        best = max((branch for branch in accepted if branch.step not in view.exhausted), key=_value, default=None)
        return Move(MoveKind.STOP) if best is None else Move(MoveKind.IMPROVE, best.step)


def _value(branch: Branch) -> float:
    return branch.value if branch.value is not None else float("-inf")
