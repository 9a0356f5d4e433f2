"""The strategies that come with gome."""

from collections.abc import Iterable

from gome_graph.hooks import Offer, hookimpl
from gome_graph.strategies.gradient import GradientStrategy


@hookimpl
def gome_strategy() -> Iterable[Offer]:
    """Offer the built-in strategies."""
    yield Offer("gradient", GradientStrategy, "directed updates by diagnosis (the default)")
