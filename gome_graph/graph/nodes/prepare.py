"""prepare: fix folds and the audit part, lay out what scripts will see."""

import filecmp
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from gome_graph.graph.served import served_run
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import RunState
from gome_graph.records import EventKind, Stage
from gome_graph.run import RunChoices, RunDirectory
from gome_graph.task import Task, prepare


def prepare_node(state: RunState, runtime: Runtime[RunChoices]) -> dict[str, Any]:
    """Prepare the task of the run; a second call finds the work done. A served graph is given a task instead of a run directory."""
    run_dir = served_run(state, runtime.context)
    run = services(run_dir)
    record = run.run.record()
    task = Task.model_validate(record["task_spec"])
    try:
        prepared = prepare(task, run.run.prepared, seed=run.settings.seed, folds=run.settings.folds, audit=run.settings.audit)
    except BaseException:
        run.close()  # a run that cannot begin holds nothing
        raise
    run.prepared = prepared
    if "derived_from" in record:
        _adopt_kept(run, Path(record["derived_from"]["run"]))
    profile = prepared.profile
    run.journal.add(
        EventKind.TASK_PREPARED, rows=profile.rows, test_rows=profile.test_rows, audit_rows=profile.audit_rows, folds=profile.folds,
        split=task.split, profile=profile.model_dump(mode="json"),
    )  # fmt: skip
    return {"run_dir": run_dir}


COMPARED = ("train.csv", "test.csv", "folds.csv")
"""Tables behind kept predictions: they must be equal, byte by byte."""


def _adopt_kept(run: RunServices, origin: Path) -> None:
    """Take over the members that the origin of a derived run has fitted, if both see the same tables."""
    other = RunDirectory(origin)
    mine, theirs = run.prepared.input_dir(Stage.FULL), other.prepared / Stage.FULL.value
    try:
        same = not any(filecmp.cmpfiles(mine, theirs, COMPARED, shallow=False)[1:])
    except OSError:  # the other run is gone
        return
    if same:
        run.kept.adopt(other.root / "members")
