"""The gradient strategy: follow the diagnosis from the trace's incumbent; a fresh root only where there is nothing to improve."""

from gome_graph.hooks import Move, MoveKind, TraceView

DRAFT_TRIES = 3
"""Roots a trace may try before its first acceptance; then it gives up."""


class GradientStrategy:
    """Directed updates on one incumbent per trace (gome.md, "The algorithm")."""

    name = "gradient"

    def next(self, view: TraceView) -> Move:
        """``root`` until the first acceptance (at most `DRAFT_TRIES`), then ``improve``."""
        if view.has_incumbent:
            return Move(MoveKind.IMPROVE)
        return Move(MoveKind.ROOT if view.step < DRAFT_TRIES else MoveKind.STOP)
