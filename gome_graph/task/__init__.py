"""What to optimise: the task, its loaders, metrics, splits, and the prepared copy that scripts see.

Names load on first use, so that importing the package costs neither numpy nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_graph.task.grading import grade
    from gome_graph.task.load import load_task
    from gome_graph.task.measured import Measured
    from gome_graph.task.metrics import Metric, find_metric, metric_names
    from gome_graph.task.prepared import PreparedTask, Vault
    from gome_graph.task.preparing import prepare
    from gome_graph.task.spec import Task
    from gome_graph.task.submission import FormatError, SubmissionFormat

__all__ = [
    "FormatError", "Measured", "Metric", "PreparedTask", "SubmissionFormat", "Task", "Vault", "find_metric", "grade", "load_task",
    "metric_names", "prepare",
]  # fmt: skip

_HOME = {
    "FormatError": "submission", "Measured": "measured", "Metric": "metrics", "PreparedTask": "prepared", "SubmissionFormat": "submission",
    "Task": "spec", "Vault": "prepared", "find_metric": "metrics", "grade": "grading", "load_task": "load", "metric_names": "metrics",
    "prepare": "preparing",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"gome_graph.task.{_HOME[name]}"), name)
    raise AttributeError(f"module 'gome_graph.task' has no attribute {name!r}")
