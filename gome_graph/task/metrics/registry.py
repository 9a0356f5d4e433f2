"""Metrics by name."""

from gome_graph.task.metrics.base import Metric


def find_metric(name: str) -> Metric:
    """The metric people mean by `name`; `TaskError` naming the closest."""
    raise NotImplementedError


def metric_names() -> list[str]:
    """Canonical names, sorted."""
    raise NotImplementedError


def register_metric(metric: Metric) -> None:
    """Add a plugin's metric."""
    raise NotImplementedError
