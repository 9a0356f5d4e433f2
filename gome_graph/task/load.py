"""From a path and flags to a task."""

from collections.abc import Sequence
from pathlib import Path

from gome_graph.task.spec import Task


def load_task(
    path: Path | None,
    *,
    train: str | Path | None = None,
    test: str | Path | None = None,
    sample: str | Path | None = None,
    target: str | Sequence[str] | None = None,
    metric: str | None = None,
    id: str | None = None,
    drop: Sequence[str] = (),
) -> Task:
    """The task at `path`, or made of the files named; flags win over files, files over inference. Raises `TaskError`."""
    raise NotImplementedError
