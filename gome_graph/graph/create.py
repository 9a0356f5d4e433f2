"""Making a run directory that holds all a run needs to begin."""

import secrets
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gome_graph.records import Solution
from gome_graph.run import RunDirectory, RunSettings
from gome_graph.support.files import write_text
from gome_graph.task import Task, find_metric

VERSIONED = ("gome-graph", "gome-memory", "langgraph", "numpy", "pandas", "scikit-learn", "lightgbm", "catboost", "chromadb")
"""Packages whose versions are written into the run record."""


def create_run(
    task: Task, settings: RunSettings, out: Path | None = None, origin: tuple[RunDirectory, Solution] | None = None
) -> RunDirectory:
    """A run directory with its record: `out`, or ``runs/<task>-<id>`` below the working directory.

    With `origin`, a run and one of its solutions, all traces begin with that solution instead of a draft.

    Raises
    ------
    RunError
        If `out` is there already and not empty.
    """
    run = RunDirectory.create(task.name, out)
    if origin is not None:
        run.begin_with(origin[1])
    run.update_record(
        id=secrets.token_hex(6), task=task.name, root=str(task.root), metric=task.metric,
        higher_is_better=find_metric(task.metric).higher_is_better, settings=settings.model_dump(mode="json"), seed=settings.seed,
        versions=_versions(), started_at=datetime.now(UTC).isoformat(timespec="seconds"), task_spec=task.model_dump(mode="json"),
        **({"derived_from": {"run": str(origin[0].root), "step": origin[1].step}} if origin else {}),
    )  # fmt: skip
    write_text(run.root / "task.toml", task.to_toml(run.root))  # what was inferred, for the user to read, correct and run again
    return run


def _versions() -> dict[str, str]:
    found = {}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
