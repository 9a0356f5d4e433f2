"""The strategies that come with gome."""

from collections.abc import Iterable

from gome_graph.hooks import Offer, hookimpl
from gome_graph.strategies.auto import AutoStrategy
from gome_graph.strategies.broad import BroadStrategy
from gome_graph.strategies.gradient import GradientStrategy
from gome_graph.strategies.hybrid import HybridStrategy
from gome_graph.strategies.mcts import MctsStrategy
from gome_graph.strategies.random import RandomStrategy
from gome_graph.strategies.tree import TreeStrategy


@hookimpl
def gome_strategy() -> Iterable[Offer]:
    """Offer the built-in strategies."""
    yield Offer("auto", AutoStrategy, "the gradient; hybrid where a model's answers or confidences prove poor (the default with a model)")
    yield Offer("broad", BroadStrategy, "the gradient, with a new root where it stagnates")
    yield Offer("gradient", GradientStrategy, "directed updates by diagnosis (the default)")
    yield Offer("hybrid", HybridStrategy, "the best measured of several directions; tree search where confidence proves wrong")
    yield Offer("mcts", MctsStrategy, "Monte Carlo tree search by UCT, as ML-Master")
    yield Offer("random", RandomStrategy, "any step may be the next one to improve: the floor")
    yield Offer("tree", TreeStrategy, "greedy tree search, as AIDE: drafts, mended leaves, the best improved")
