"""Greedy tree search, as AIDE: a few drafts, now and then a failed leaf is mended, else the best solution is improved.

Source: Jiang et al., "AIDE: AI-Driven Exploration in the Space of Code" (arXiv 2502.13138), section 2; numbers from gome.md.
"""

from gome_graph.hooks import Move, MoveKind, TraceView
from gome_graph.strategies.branches import Tree, dice

DRAFTS = 5
"""Roots before anything is improved."""
DEBUG_CHANCE = 0.5
"""How often a failed leaf is taken up, where there is one."""


class TreeStrategy:
    """The score alone says where to go on: from the best step of the whole tree."""

    name = "tree"

    def next(self, view: TraceView) -> Move:
        """Draft, debug or improve."""
        tree, throw = Tree.of(view), dice(view)
        if len(tree.roots) < DRAFTS:
            return Move(MoveKind.ROOT)
        broken = tree.broken
        if broken and throw.random() < DEBUG_CHANCE:
            return Move(MoveKind.DEBUG, throw.choice(broken).step)
        if tree.best is not None:
            return Move(MoveKind.IMPROVE, tree.best.step)
        if broken:
            return Move(MoveKind.DEBUG, throw.choice(broken).step)
        return Move(MoveKind.ROOT if len(tree.roots) < 2 * DRAFTS else MoveKind.STOP)
