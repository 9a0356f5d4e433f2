"""prepare: fix folds and the audit part, lay out what scripts will see."""

from pathlib import Path
from typing import Any

from gome_graph.graph.create import create_run
from gome_graph.graph.services import services
from gome_graph.graph.state import RunState
from gome_graph.graph.tasks import load_task_with_plugins
from gome_graph.records import EventKind
from gome_graph.run import RunSettings
from gome_graph.task import Task, prepare


def prepare_node(state: RunState) -> dict[str, Any]:
    """Prepare the task of the run; a second call finds the work done. A served graph is given a task instead of a run directory."""
    run_dir = state.get("run_dir")
    if run_dir is None:
        settings = RunSettings.model_validate(state.get("settings") or {})
        run_dir = str(create_run(load_task_with_plugins(Path(state["task"]), settings.plugins), settings).root)
    run = services(run_dir)
    record = run.run.record()
    task = Task.model_validate(record["task_spec"])
    prepared = prepare(task, run.run.prepared, seed=run.settings.seed, folds=run.settings.folds, audit=run.settings.audit)
    run.prepared = prepared
    profile = prepared.profile
    run.journal.add(
        EventKind.TASK_PREPARED, rows=profile.rows, test_rows=profile.test_rows, audit_rows=profile.audit_rows, folds=profile.folds,
        split=task.split, profile=profile.model_dump(mode="json"),
    )  # fmt: skip
    return {"run_dir": run_dir}
