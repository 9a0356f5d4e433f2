"""The gradient while the reasoner's word is worth something, measured directions where it is not.

Strong models do best with the gradient, weak ones with search (gome.md, "Reference results"). What a model is shows in its answers: whether
they fit what was asked for, and whether its confidence holds.
"""

from gome_graph.hooks import Move, TraceView
from gome_graph.strategies.gradient import GradientStrategy
from gome_graph.strategies.hybrid import TOO_SURE, HybridStrategy, overconfidence

POOR_VALIDITY = 0.7
"""Share of a model's answers that fit at the first try below which it counts as weak: strong ones are above 0.95, small ones near
a half."""
LEAST_STEPS = 2
"""Steps of a trace (some eight answers) before anything is said of them."""


class AutoStrategy:
    """`gradient`, or `hybrid` where answers are poor or confidences are too high."""

    name = "auto"

    def __init__(self) -> None:
        self._gradient, self._hybrid = GradientStrategy(), HybridStrategy()

    def next(self, view: TraceView) -> Move:
        """The move of the one or the other; both are judged by the trace's own record, so it may change its mind."""
        invalid = view.step >= LEAST_STEPS and view.validity < POOR_VALIDITY
        weak = view.has_incumbent and (invalid or overconfidence(view) > TOO_SURE)
        return (self._hybrid if weak else self._gradient).next(view)
