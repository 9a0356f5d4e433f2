"""``gome grade``: the submission against the private answers, after the run."""

from typing import Any

import typer

from gome_graph.cli import output
from gome_graph.cli.commands.common import open_run, status, story
from gome_graph.cli.options import Debug, Json, Quiet, RunArg

HELP = """Grade the submission of an ended run against the task's private answers: score, medal, above median; writes grade.json.

Example: [bold]gome grade runs/sales-3f2a1c[/bold]
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("grade", help=HELP)(grade)


def grade(run: RunArg, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Grade a run."""
    value = grade_run(run)
    output.result(value)
    output.tell(grade_table(value))
    if not value["valid"]:
        raise typer.Exit(1)


def grade_run(path: Any) -> dict[str, Any]:
    """Grade and write ``grade.json``.

    Raises
    ------
    RunError, TaskError
        If the run has not ended, has no submission, or the task has no answers.
    """
    from gome_graph.errors import RunError, TaskError
    from gome_graph.support.files import write_json
    from gome_graph.task import Task
    from gome_graph.task import grade as grade_submission

    opened = open_run(path)
    view = story(opened)
    state = status(opened, view)
    if view.status is None or state == "live":
        todo = "wait for it, or end it with: gome stop" if state == "live" else "end it first: gome resume"
        raise RunError(f"{path} has not ended (status: {state}), and grading comes only after the end; {todo} {path}")
    task = Task.model_validate(opened.record()["task_spec"])
    if task.answers is None:
        raise TaskError(f"task {task.name!r} has no private answers to grade against; name them as `answers` in its task.toml")
    if not opened.submission_path.exists():
        raise RunError(f"{path} has no submission.csv (status: {view.status}); there is nothing to grade")
    value = {
        **grade_submission(task, opened.submission_path),
        "run": str(opened.root), "task": task.name,
        "validation": view.final.model_dump(mode="json") if view.final else None,
        "audit": view.audit.model_dump(mode="json") if view.audit else None,
        "baseline": view.baseline.model_dump(mode="json") if view.baseline else None,
    }  # fmt: skip
    write_json(opened.root / "grade.json", value)
    return value


def grade_table(value: dict[str, Any]) -> Any:
    """The grade beside what validation and audit had promised."""
    from rich.table import Table
    from rich.text import Text

    from gome_graph.records import Score
    from gome_graph.report.format import decimals, score_text

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    known = [Score.model_validate(value[k]) if value.get(k) else None for k in ("baseline", "validation", "audit")]
    places = decimals(next((s.standard_error for s in reversed(known) if s), 0.0))
    if not value["valid"]:
        table.add_row("grade", Text(f"the submission is not valid: {value.get('reason', '')}", style="bold red"))
        return table
    table.add_row("test", Text(f"{value['metric']} {value['score']:.{places}f}", style="bold green"))
    for name, score in zip(("baseline", "validation", "audit"), known, strict=True):
        table.add_row(name, score_text(score))
    thresholds = value.get("thresholds") or {}
    if thresholds:
        table.add_row("medal", str(value.get("medal") or "none"))
        table.add_row("above median", {True: "yes", False: "no", None: "-"}[value.get("above_median")])
        table.add_row("thresholds", ", ".join(f"{k} {v:g}" for k, v in thresholds.items()))
    return table
