"""Start or resume a run: open its parts, run the graph, close them."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.sqlite import SqliteStore

from gome_graph.errors import GomeError, RunError
from gome_graph.graph.build import build_run
from gome_graph.graph.create import create_run
from gome_graph.graph.services import RunServices, open_services
from gome_graph.records import EventKind, Seconds, Solution
from gome_graph.run import Observer, RunDirectory, RunResult, RunSettings
from gome_graph.task import Task


def start(
    task: Task, settings: RunSettings, *, out: Path | None = None, origin: tuple[RunDirectory, Solution] | None = None,
    observers: Sequence[Observer] = (), stopped: Callable[[], bool] = lambda: False, head_start: Seconds = 0.0,
) -> RunResult:  # fmt: skip
    """Run a task from the beginning to the end of its budget.

    Parameters
    ----------
    task
        What to optimise.
    settings
        Budget, traces, seed and parts.
    out
        Run directory; None makes ``runs/<task>-<id>``.
    origin
        A run and one of its solutions that all traces begin with (``gome derive``).
    observers
        Called with each journalled event.
    stopped
        Asked several times a second; once true, traces end and the best so far is handed out.
    head_start
        Seconds that the user's clock has run already (start of the process, imports); they count as spent.

    Raises
    ------
    GomeError
        For bad input; the run directory is then removed again.
    """
    run = create_run(task, settings, out, origin)
    try:
        return _go(run, observers, stopped, resumed=False, head_start=head_start)
    except GomeError:
        if not run.steps():
            shutil.rmtree(run.root, ignore_errors=True)
        raise


def resume(
    run_dir: Path, *, observers: Sequence[Observer] = (), stopped: Callable[[], bool] = lambda: False, head_start: Seconds = 0.0
) -> RunResult:
    """Go on with a run that was killed or stopped; accepted steps are not repeated.

    Raises
    ------
    RunError
        If there is no run, another process holds it, or it has ended.
    """
    run = RunDirectory.open(run_dir)
    ended = run.record().get("result") or {}
    if ended.get("status") in ("done", "failed"):
        raise RunError(f"{run_dir} has ended already; see it with: gome show {run_dir}")
    return _go(run, observers, stopped, resumed=True, head_start=head_start)


def _go(run: RunDirectory, observers: Sequence[Observer], stopped: Callable[[], bool], *, resumed: bool, head_start: Seconds) -> RunResult:
    with run.lock(), _graph(run) as graph:
        run.stop_path.unlink(missing_ok=True)
        if run.record().get("result"):
            # Stopped by the user: that graph ran to its end. Its traces go on in a new one, from where the run directory says they stand.
            run.update_record(result=None, thread=run.record().get("thread", 0) + 1)
        parts = open_services(run, observers, stopped, head_start)
        try:
            _announce(parts, resumed)
            config: dict[str, Any] = {
                "configurable": {"thread_id": f"{run.record()['id']}-{run.record().get('thread', 0)}"},
                "max_concurrency": parts.settings.traces + 2,
                "recursion_limit": 1_000_000,  # the budget ends a run, not the number of supersteps
            }
            fresh = graph.get_state(config).created_at is None
            state = graph.invoke({"run_dir": str(run.root)} if fresh else None, config, durability="sync")
            return RunResult.model_validate(state["result"])
        finally:
            parts.close()


@contextmanager
def _graph(run: RunDirectory) -> Iterator[Any]:
    """The run graph on the run's own SQLite file: checkpoints and blackboard."""
    connection = sqlite3.connect(run.checkpoints_path, check_same_thread=False)
    board = sqlite3.connect(run.root / "blackboard.sqlite", check_same_thread=False, isolation_level=None)
    try:
        store = SqliteStore(board)
        store.setup()
        yield build_run(SqliteSaver(connection), store)
    finally:
        connection.close()
        board.close()


def _announce(parts: RunServices, resumed: bool) -> None:
    record = parts.run.record()
    protections = parts.executor.protections().model_dump(mode="json")
    spec = record["task_spec"]
    prompts = getattr(parts.reasoner, "prompts", None)  # of reasoners that have any
    parts.run.update_record(protections=protections, **({"prompts": prompts} if prompts else {}))
    if resumed:
        parts.journal.add(EventKind.RESUMED, spent_seconds=round(parts.budget.elapsed(), 2))
    parts.journal.add(
        EventKind.RUN_STARTED, task=record["task"], metric=record["metric"], higher_is_better=record["higher_is_better"],
        seed=record["seed"], traces=parts.settings.traces,
        budget_seconds=parts.settings.budget_seconds, reasoner=parts.reasoner.name, strategy=parts.strategy.name,
        executor=parts.executor.name, memory=parts.memory.name, protections=protections, versions=record["versions"],
        inferred=spec.get("inferred", []), metric_source=spec.get("metric_source", ""),
        **({"derived_from": record["derived_from"]} if "derived_from" in record else {}),
    )  # fmt: skip
