"""``gome init``: write a task.toml for a folder with CSV files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli import output
from gome_graph.cli.options import Debug, Json, Quiet

if TYPE_CHECKING:
    from gome_graph.task import Task

HELP = """Write a commented task.toml for a folder with CSV files, and say what was inferred.

On a terminal it asks; flags answer beforehand, --yes takes what was inferred.

Example: [bold]gome init ./sales --target returned --metric accuracy[/bold]
"""

COMMENTS = {
    "name": "How runs are called.",
    "train": "Paths are relative to this file.",
    "test": "The table to predict. Without it the run still ends with a script and its scores.",
    "sample_submission": "Columns and order of the submission.",
    "answers": "Private answers: only `gome grade` opens them, after a run.",
    "id": "Names a row in train, test and submission.",
    "target": "What to predict: a column, or a list of columns.",
    "metric": "For example accuracy, roc_auc, log_loss, f1_macro, qwk, rmse, rmsle, mae, r2.",
    "direction": "Must agree with the metric; a check against slips.",
    "split": "stratified, kfold, group:<column> or time:<column>: how folds are cut. Rows that belong together need a group.",
    "drop": "Columns that no script or reasoner may see.",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init", help=HELP)(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the CSV files.", show_default=False)],
    target: Annotated[list[str] | None, typer.Option(help="Target column; repeatable.", show_default=False)] = None,
    metric: Annotated[str | None, typer.Option(help="Metric by name.", show_default=False)] = None,
    id: Annotated[str | None, typer.Option("--id", help="Id column.", show_default=False)] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Column to hide; repeatable.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print it instead of writing it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a task.toml that is there.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Write a task.toml."""
    from gome_graph.errors import TaskError
    from gome_graph.support.files import write_text
    from gome_graph.task import load_task

    place = folder / "task.toml"
    if place.exists() and not force and not dry_run:
        raise TaskError(f"{place} is there already; edit it, or replace it with --force")
    ask = sys.stdin.isatty() and sys.stdout.isatty() and not (yes or dry_run or json or quiet)
    flags: dict[str, Any] = {"target": target or None, "metric": metric, "id": id, "drop": tuple(drop or ())}
    if ask:
        flags = _ask(folder, flags)
    task = load_task(folder, **flags)
    text = commented(task)
    if not dry_run:
        write_text(place, text)
    output.result({"path": None if dry_run else str(place), "toml": text, "inferred": task.inferred})
    for sentence in task.inferred:
        output.say(f"inferred: {sentence}")
    if dry_run:
        output.tell(text.rstrip())
    else:
        output.say(f"wrote {place}; look it over, then: gome run {folder}")


def _ask(folder: Path, flags: dict[str, Any]) -> dict[str, Any]:
    """Ask for what was not said, offering what can be inferred."""
    from gome_graph.errors import TaskError
    from gome_graph.task import load_task

    try:
        known = load_task(folder, **flags)
    except TaskError as error:
        typer.echo(f"{error}")
        known = None
    if flags["target"] is None:
        said = typer.prompt("target column(s), comma-separated", default=",".join(known.target) if known else None)
        flags["target"] = [part.strip() for part in said.split(",") if part.strip()]
        known = load_task(folder, **flags)
    if flags["metric"] is None:
        flags["metric"] = typer.prompt("metric", default=known.metric if known else None)
    if flags["id"] is None and known is not None and known.id is not None:
        flags["id"] = typer.prompt("id column", default=known.id)
    return flags


def commented(task: "Task") -> str:
    """The task as TOML, each key explained."""
    lines = []
    for line in task.to_toml().splitlines():
        key = line.partition("=")[0].strip()
        if key in COMMENTS and line.startswith(key):
            lines.append(f"# {COMMENTS[key]}")
        lines.append(line)
    head = "# A task for gome: what to optimise. Run it with: gome run <this folder>"
    return "\n".join([head, "", *lines]) + "\n"
