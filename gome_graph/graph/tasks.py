"""Loading a task with what plugins add: their metrics and their loaders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gome_graph.graph.builtins import load
from gome_graph.graph.services import register_metrics
from gome_graph.task import Task, load_task


def load_task_with_plugins(path: Path | None, plugins: Sequence[str] | None = None, **flags: Any) -> Task:
    """`load_task`, with plugins' metrics known by name and plugins' loaders competing with the built-in ones.

    Raises
    ------
    TaskError
        For a task that cannot be loaded.
    PluginError
        If a plugin that was asked for is missing or broken.
    """
    loaded = load(plugins)
    register_metrics(loaded)
    return load_task(path, claims=lambda place: loaded.manager.hook.gome_task_loader(path=place), **flags)
