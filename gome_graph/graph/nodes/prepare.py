"""prepare: fix folds and the audit part, lay out what scripts will see."""

from typing import Any

from gome_graph.graph.services import services
from gome_graph.graph.state import RunState
from gome_graph.records import EventKind
from gome_graph.task import Task, prepare


def prepare_node(state: RunState) -> dict[str, Any]:
    """Prepare the task of the run; a second call finds the work done."""
    run = services(state["run_dir"])
    record = run.run.record()
    task = Task.model_validate(record["task_spec"])
    prepared = prepare(task, run.run.prepared, seed=run.settings.seed, folds=run.settings.folds, audit=run.settings.audit)
    run.prepared = prepared
    profile = prepared.profile
    run.journal.add(
        EventKind.TASK_PREPARED, rows=profile.rows, test_rows=profile.test_rows, audit_rows=profile.audit_rows, folds=profile.folds,
        split=task.split, profile=profile.model_dump(mode="json"),
    )  # fmt: skip
    return {}
