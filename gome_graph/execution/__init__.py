"""Executors: run a script, contained, and measure it. The contract is `gome_graph.hooks.Executor`."""

from gome_graph.execution.local import LocalExecutor
from gome_graph.execution.settings import LocalSettings, Mechanism

__all__ = ["LocalExecutor", "LocalSettings", "Mechanism"]
