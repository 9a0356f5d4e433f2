"""The loss: a metric value that we recomputed, with its error."""

from gome_graph.records.base import Record


class Score(Record):
    """A metric recomputed from saved out-of-fold predictions. A number that a script prints is never one of these."""

    metric: str
    """Canonical metric name, for example ``log_loss``."""
    higher_is_better: bool
    """Direction of the metric."""
    value: float
    """The metric over all rows, in its own units."""
    standard_error: float
    """Sampling noise of `value` over rows, in the metric's units (analytic, delta method or bootstrap)."""
    by_fold: list[float] = []
    """The metric on each fold, in fold order; empty where a fold cannot be scored (one class only)."""
    rows: int
    """Number of rows scored."""

    def better_than(self, other: "Score") -> bool:
        """Plain comparison of values in the metric's direction; says nothing about noise."""
        return self.value > other.value if self.higher_is_better else self.value < other.value
