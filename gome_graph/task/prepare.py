"""Make a task ready for scripts."""

from pathlib import Path

from gome_graph.task.prepared import PreparedTask
from gome_graph.task.spec import Task


def prepare(task: Task, root: Path, *, seed: int, folds: int = 5, audit: float = 0.1) -> PreparedTask:
    """Write the prepared copy of `task` to `root` (``<run>/prepared``), or reopen it if it is there already."""
    raise NotImplementedError
