"""Grade a submission against the private answers, after a run."""

from pathlib import Path
from typing import Any

from gome_graph.task.spec import Task


def grade(task: Task, submission: Path) -> dict[str, Any]:
    """``{"score", "valid", "reason", "medal", "above_median", "thresholds", "metric"}`` of a submission file."""
    raise NotImplementedError
