"""A run that is begun by a request instead of the command line: which folder may be named, and where the run lives."""

import os
from pathlib import Path

from langgraph.config import get_config

from gome_graph.errors import TaskError
from gome_graph.graph.create import create_run
from gome_graph.graph.services import is_open
from gome_graph.graph.state import RunState
from gome_graph.graph.tasks import load_task_with_plugins
from gome_graph.run import RunChoices, RunDirectory, RunSettings

ROOT_VARIABLE = "GOME_SERVER_ROOT"
"""Folder that tasks and runs of a server lie in; the working directory where it is not set. Requests cannot name anything outside it."""
RUN_ID_LENGTH = 8
"""Characters of the request's id in the run directory's name."""


def server_root() -> Path:
    """The folder of `ROOT_VARIABLE`."""
    return Path(os.environ.get(ROOT_VARIABLE) or Path.cwd()).resolve()


def served_run(state: RunState, choices: RunChoices | None) -> str:
    """The run directory of a request: the one it names, or a new one for the task it names.

    A request that is repeated after a crash finds the directory it has made.

    Raises
    ------
    TaskError
        If the request names nothing, or a folder outside of the server's.
    """
    run_dir, task = state.get("run_dir"), state.get("task")
    if run_dir is not None and is_open(run_dir):
        return run_dir  # the command line has opened it
    if run_dir is not None and not (task and _ended(run_dir)):
        return str(_within(run_dir, "run_dir"))
    if not task:
        raise TaskError('the input names no task; give {"task": "folder of the task"}')
    settings = RunSettings.chosen(choices or RunChoices())
    loaded = load_task_with_plugins(_within(task, "task"), settings.plugins)
    out = server_root() / RunDirectory.place(loaded.name)
    request = (get_config().get("configurable") or {}).get("run_id") or get_config().get("run_id")
    if request is not None:
        out = out.with_name(f"{out.name.rpartition('-')[0]}-{str(request)[:RUN_ID_LENGTH]}")
        if (out / "run.json").is_file():
            return str(out)
    return str(create_run(loaded, settings, out).root)


def _ended(run_dir: str) -> bool:
    """True for the run of an earlier request on the same thread."""
    path = Path(run_dir)
    return not (path / "run.json").is_file() or bool(RunDirectory.open(path).record().get("result"))


def _within(name: str, field: str) -> Path:
    root = server_root()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise TaskError(f"{field} {name!r} is outside of the server's folder {root}; put it there, or set {ROOT_VARIABLE}")
    return path
