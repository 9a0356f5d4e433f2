"""``gome demo``: the main job on real data that come with scikit-learn, in about two minutes at most, with no key and no network."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.options import MAX_SEED, Debug, Json, Quiet, parse_duration

HELP = """Watch the main job on real data: handwritten digits, 90 seconds, graded on a held-out part at the end.

Needs no key, no network and no files; writes ./gome-demo.

Example: [bold]gome demo[/bold]
"""

WRITE_SECONDS = 60
"""Limit for writing the demo's CSV files (importing scikit-learn is most of it)."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", help=HELP)(demo)


def demo(
    budget: Annotated[str, typer.Option(help="Wall clock of the whole run.")] = "90s",
    traces: Annotated[int, typer.Option(help="Parallel traces.", min=1, max=64)] = 3,
    seed: Annotated[int, typer.Option(help="All randomness comes from it.", min=0, max=MAX_SEED)] = 0,
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo's task and runs go.")] = Path("gome-demo"),
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Show the main job on real data."""
    seconds = parse_duration(budget)
    from gome_graph.cli.commands.grade import grade_run, grade_table
    from gome_graph.cli.commands.run import run_task_result
    from gome_graph.cli.running import summary
    from gome_graph.run import RunDirectory, RunSettings
    from gome_graph.task import load_task

    _write(folder)
    task = load_task(folder / "task")
    place = folder / RunDirectory.place(task.name)
    result = run_task_result(task, RunSettings(budget_seconds=seconds, traces=traces, seed=seed), place)
    value = summary(result)
    if result.step is not None:
        value["grade"] = grade_run(result.run_dir)
        output.say("\nGraded on the held-out part, which no script has seen:", grade_table(value["grade"]))
        output.say("", f"next: gome show {place} best · gome diff {place} · open {place / 'report.html'}")
    output.result(value)
    raise typer.Exit(result.exit_code)


def _write(folder: Path) -> None:
    """Write the task folder in another process: scikit-learn stays out of this one."""
    from gome_graph.errors import TaskError

    mark = folder / "task" / "task.toml"
    if mark.parent.exists() and not (mark.exists() and 'name = "digits"' in mark.read_text(encoding="utf-8")):
        raise TaskError(f"{mark.parent} is there already and not the demo's; choose another place with --dir")
    done = subprocess.run(
        [sys.executable, "-m", "gome_graph.cli.demo_data", str(folder)], capture_output=True, text=True, timeout=WRITE_SECONDS, check=False
    )
    if done.returncode != 0:
        shutil.rmtree(folder / "task", ignore_errors=True)
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        raise TaskError(f"the demo's files could not be written to {folder} ({last}); choose another place with --dir")
