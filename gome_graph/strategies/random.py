"""Random search: what the operators give without any choice of where to apply them. The floor for all other strategies."""

from gome_graph.hooks import Move, MoveKind, TraceView
from gome_graph.strategies.branches import Tree, dice

ROOT_CHANCE = 0.2
"""How often a step starts afresh: every fifth, so that most steps change something."""
MOST_ROOTS = 10
"""Roots after which only what is there is changed: drafts repeat themselves."""


class RandomStrategy:
    """Any step of the trace may be the next one to improve, or to mend if it failed."""

    name = "random"

    def next(self, view: TraceView) -> Move:
        """A root now and then, else a step drawn with equal chances."""
        tree, throw = Tree.of(view), dice(view)
        open_ones = [*tree.sound, *tree.broken]
        roots_left = len(tree.roots) < MOST_ROOTS
        if roots_left and (not open_ones or throw.random() < ROOT_CHANCE):
            return Move(MoveKind.ROOT)
        if not open_ones:
            return Move(MoveKind.STOP)
        chosen = throw.choice(open_ones)
        return Move(MoveKind.DEBUG if chosen.value is None else MoveKind.IMPROVE, chosen.step)
