"""Start or resume a run: open its parts, run the graph, close them."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.sqlite import SqliteStore
from langgraph.types import Command

from gome_graph.errors import GomeError, RunError
from gome_graph.graph.build import build_run
from gome_graph.graph.create import create_run
from gome_graph.graph.nodes.finalise import first_score
from gome_graph.graph.nodes.review import decide, open_pause
from gome_graph.graph.publish import best_step
from gome_graph.graph.services import RunServices, announce, open_services
from gome_graph.records import Seconds, Solution
from gome_graph.run import Decision, Observer, RunDirectory, RunResult, RunSettings
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
        Asked about once a second; once true, traces end and the best so far is handed out.
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
    run_dir: Path, *, decision: Decision | None = None, observers: Sequence[Observer] = (), stopped: Callable[[], bool] = lambda: False,
    head_start: Seconds = 0.0,
) -> RunResult:  # fmt: skip
    """Go on with a run that was killed, stopped or paused; accepted steps are not repeated.

    `decision` is the answer to a pause; without one the run does what it would have done without the pause.

    Raises
    ------
    RunError
        If there is no run, another process holds it, or it has ended.
    """
    run = RunDirectory.open(run_dir)
    ended = run.record().get("result") or {}
    if ended.get("status") in ("done", "failed"):
        raise RunError(f"{run_dir} has ended already; see it with: gome show {run_dir}")
    return _go(run, observers, stopped, resumed=True, head_start=head_start, decision=decision or Decision())


def _go(
    run: RunDirectory, observers: Sequence[Observer], stopped: Callable[[], bool], *, resumed: bool, head_start: Seconds,
    decision: Decision | None = None,
) -> RunResult:  # fmt: skip
    with run.lock(), _graph(run) as graph:
        run.stop_path.unlink(missing_ok=True)
        if run.record().get("result"):
            # Stopped by the user: that graph ran to its end. Its traces go on in a new one, from where the run directory says they stand.
            run.update_record(result=None, thread=run.record().get("thread", 0) + 1)
        parts = open_services(run, observers, stopped, head_start)
        try:
            announce(parts, resumed=resumed)
            config: dict[str, Any] = {
                "configurable": {"thread_id": f"{run.record()['id']}-{run.record().get('thread', 0)}"},
                "max_concurrency": parts.settings.traces + 2,
                "recursion_limit": 1_000_000,  # the budget ends a run, not the number of supersteps
            }
            before = graph.get_state(config)
            given: Any = None
            if before.created_at is None:
                given = {"run_dir": str(run.root)}
                if open_pause(parts):  # it was paused on a server, whose checkpoints are not here
                    decide(parts, decision or Decision())
            elif before.interrupts:
                given = Command(resume=(decision or Decision()).model_dump(mode="json"))
            state = graph.invoke(given, config, durability="sync")
            return _paused(parts) if state.get("__interrupt__") else RunResult.model_validate(state["result"])
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


def _paused(parts: RunServices) -> RunResult:
    """How a run stands that waits for a person; nothing of it goes into ``run.json``, for the run has not ended."""
    run, best = parts.run, best_step(parts)
    verdicts = [verdict for name in run.steps() if (verdict := run.step(name).verdict()) is not None]
    paths = {"solution": run.solution_path, "submission": run.submission_path, "report": run.report_path}
    return RunResult(
        status="paused", run_dir=run.root, step=best[0] if best else None, score=best[1].score if best else None,
        first_score=first_score(parts), steps=len(verdicts),
        accepted=sum(verdict.accepted for verdict in verdicts), spent_seconds=round(parts.budget.elapsed(), 2),
        files={k: str(p) for k, p in paths.items() if p.exists() or k == "report"},
    )  # fmt: skip
