"""The ablation without momentum, and what a run falls back to where no memory is installed."""

from gome_graph.records import Experience, Momentum, RecallQuery


class NoMemory:
    """Remembers nothing; implements `gome_graph.hooks.Memory`."""

    name = "none"

    def remember(self, experience: Experience) -> None:
        """Forget it at once."""

    def recall(self, query: RecallQuery) -> Momentum:
        """Nothing."""
        return Momentum()

    def close(self) -> None:
        """Nothing to release."""
