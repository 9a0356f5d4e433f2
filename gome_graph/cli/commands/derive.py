"""``gome derive``: a new run that begins with a step of another one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli import output
from gome_graph.cli.commands.common import find_step, open_run, story
from gome_graph.cli.options import Debug, Json, Quiet, RunArg, parse_duration

if TYPE_CHECKING:
    from gome_graph.records import Solution
    from gome_graph.run import RunDirectory, RunSettings
    from gome_graph.task import Task

HELP = """Begin a new run with the solution of a step of another run: same task, seed, folds and audit rows, a fresh budget.

STEP is a step id such as t1-4, or best, baseline, last. What is not said is taken over from the other run's settings.

Example: [bold]gome derive runs/sales-3f2a1c --step t1-4 --budget 30m[/bold]
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("derive", help=HELP)(derive)


def derive(
    run: RunArg,
    step: Annotated[str, typer.Option(help="The step to begin with.")] = "best",
    budget: Annotated[str | None, typer.Option(help="Wall clock of the new run: 90s, 10m, 1h30m.", show_default=False)] = None,
    traces: Annotated[int | None, typer.Option(help="Parallel traces.", min=1, max=64, show_default=False)] = None,
    max_steps: Annotated[int | None, typer.Option(help="Steps per trace, the first included.", min=1, show_default=False)] = None,
    reasoner: Annotated[str | None, typer.Option(help="Who thinks.", show_default=False)] = None,
    strategy: Annotated[str | None, typer.Option(help="Who chooses where the next step starts.", show_default=False)] = None,
    executor: Annotated[str | None, typer.Option(help="Where scripts run.", show_default=False)] = None,
    cpus: Annotated[int | None, typer.Option(help="Cores to use.", min=1, show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory (default: runs/<task>-<id>).", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
    json_events: Annotated[bool, typer.Option("--json-events", help="Print each event as a line of JSON, the result last.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Begin a new run with a step of another."""
    output.mode.json = json or json_events
    changes: dict[str, Any] = {
        "budget_seconds": parse_duration(budget) if budget else None, "traces": traces, "max_steps": max_steps, "reasoner": reasoner,
        "strategy": strategy, "executor": executor, "cpus": cpus,
    }  # fmt: skip
    from gome_graph.cli.commands.run import run_task
    from gome_graph.cli.running import shown

    opened = open_run(run)
    solution = _solution(opened, step)
    task, settings = _task(opened), _settings(opened, {name: value for name, value in changes.items() if value is not None})
    output.say(f"derived from step {solution.step} of {shown(opened.root)}")
    raise typer.Exit(run_task(task, settings, out, dry_run=dry_run, json_events=json_events, origin=(opened, solution)))


def _solution(run: "RunDirectory", name: str) -> "Solution":
    from gome_graph.errors import RunError

    step = find_step(run, story(run), name)
    solution = run.step(step).solution()
    if solution is None:
        raise RunError(f"step {step} of {run.root} has no script yet; choose one that gome show lists with a verdict")
    return solution


def _task(run: "RunDirectory") -> "Task":
    """The task as the run knew it; its files must still be there."""
    from gome_graph.errors import TaskError
    from gome_graph.task import Task

    task = Task.model_validate(run.record()["task_spec"])
    if not Path(task.train).is_file():
        raise TaskError(f"the training table {task.train} of {run.root} is not there any more; put it back to derive a run")
    return task


def _settings(run: "RunDirectory", changes: dict[str, Any]) -> "RunSettings":
    """The run's settings with changes. A run counted in steps that is given a budget is one on the clock again."""
    from gome_graph.run import RunSettings

    old = {**run.record()["settings"], "record": None}  # that file holds the other run's requests
    if "budget_seconds" in changes and "max_steps" not in changes:
        old = {**old, "max_steps": None}
    return RunSettings.model_validate({**old, **changes})
