from gome_graph.hooks import Strategy
from gome_graph.strategies.auto import AutoStrategy
from gome_graph.strategies.broad import BroadStrategy
from gome_graph.strategies.gradient import GradientStrategy
from gome_graph.strategies.hybrid import HybridStrategy
from gome_graph.strategies.mcts import MctsStrategy
from gome_graph.strategies.random import RandomStrategy
from gome_graph.strategies.tree import TreeStrategy
from gome_graph.testing.strategies import StrategyContract


class TestGradient(StrategyContract):
    def make(self) -> Strategy:
        return GradientStrategy()


class TestAuto(StrategyContract):
    def make(self) -> Strategy:
        return AutoStrategy()


class TestTree(StrategyContract):
    def make(self) -> Strategy:
        return TreeStrategy()


class TestMcts(StrategyContract):
    def make(self) -> Strategy:
        return MctsStrategy()


class TestHybrid(StrategyContract):
    def make(self) -> Strategy:
        return HybridStrategy()


class TestRandom(StrategyContract):
    def make(self) -> Strategy:
        return RandomStrategy()


class TestBroad(StrategyContract):
    def make(self) -> Strategy:
        return BroadStrategy()
