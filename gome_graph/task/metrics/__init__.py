"""Metrics by name, in plain numpy: the orchestrator must not pay for scikit-learn (1 CPU-s, 150 MB)."""

from gome_graph.task.metrics.base import Metric
from gome_graph.task.metrics.registry import find_metric, metric_names, register_metric

__all__ = ["Metric", "find_metric", "metric_names", "register_metric"]
