"""``gome runs``, ``gome show``, ``gome diff`` and ``gome report``: look at runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli import output
from gome_graph.cli.commands.common import find_step, open_run, status, story
from gome_graph.cli.options import Debug, Json, Quiet, RunArg

if TYPE_CHECKING:
    from gome_graph.run import RunDirectory

RUNS_HELP = """List the runs below ./runs or the folders given, newest first.

Example: [bold]gome runs --top 5 --plot[/bold]
"""

SHOW_HELP = """Show a run, or one of its steps: hypothesis, diagnosis with evidence, patch, verdict and numbers.

STEP is a step id such as t1-4, or best, baseline, last.

Example: [bold]gome show runs/sales-3f2a1c best[/bold]
"""

DIFF_HELP = """Show how the scripts of two steps differ.

Example: [bold]gome diff runs/sales-3f2a1c --step best --against baseline[/bold]
"""

REPORT_HELP = """Write report.html of a run: one page that works offline; also for runs that go on or have crashed.

Example: [bold]gome report runs/sales-3f2a1c --open[/bold]
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("runs", help=RUNS_HELP)(runs)
    app.command("show", help=SHOW_HELP)(show)
    app.command("diff", help=DIFF_HELP)(diff)
    app.command("report", help=REPORT_HELP)(report)


def runs(
    folders: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Runs or folders of runs.", show_default=False)] = None,
    top: Annotated[int | None, typer.Option(help="Only the best N of each task.", min=1, show_default=False)] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the scores with their errors, a panel for each task.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """List runs."""
    from gome_graph.errors import RunError

    asked = folders or [Path("runs")]
    for folder in asked:
        if folders and not folder.is_dir():
            raise RunError(f"{folder} is not a folder; give run directories or folders that hold some")
    rows = sorted((_row(run) for run in _find(asked)), key=lambda row: (row["started_at"], row["run"]), reverse=True)
    if top is not None:
        rows = _top(rows, top)
    output.result(rows)
    if not rows:
        output.tell(f"no runs in {', '.join(map(str, asked))}; start one with: gome run TASK")
        return
    output.tell(_runs_table(rows))
    if plot:
        from gome_graph.cli.display.plot import score_panels

        output.tell(*score_panels(rows, output.console().width))


def _find(folders: list[Path]) -> "list[RunDirectory]":
    from gome_graph.run import RunDirectory

    records = {
        path.resolve() for folder in folders for pattern in ("run.json", "*/run.json", "*/*/run.json") for path in folder.glob(pattern)
    }
    return [RunDirectory(path.parent) for path in records]


def _row(run: "RunDirectory") -> dict[str, Any]:
    """One run as a JSON object; a damaged one says so instead of hiding the others."""
    from gome_graph.cli.running import shown

    try:
        record, view = run.record(), story(run)
        score = view.best
        return {
            "run": shown(run.root), "task": record.get("task", ""), "status": status(run, view), "metric": record.get("metric", ""),
            "score": score.model_dump(mode="json") if score else None,
            "audit": view.audit.model_dump(mode="json") if view.audit else None,
            "steps": view.judged, "accepted": view.accepted, "spent_seconds": round(view.elapsed, 1), "seed": record.get("seed"),
            "started_at": record.get("started_at", ""),
        }  # fmt: skip
    except (OSError, ValueError) as error:
        return {"run": shown(run.root), "status": "damaged", "error": str(error), "started_at": ""}


def _top(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The best `count` of each task and metric, best first."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("score"):
            groups.setdefault((row["task"], row["metric"]), []).append(row)
    chosen = []
    for key in sorted(groups):
        sign = -1 if groups[key][0]["score"]["higher_is_better"] else 1
        chosen += sorted(groups[key], key=lambda r: sign * r["score"]["value"])[:count]
    return chosen


def _runs_table(rows: list[dict[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from gome_graph.records import Score
    from gome_graph.report.format import duration, score_text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold", min_width=16)
    for name in ("status", "metric", "score"):
        table.add_column(name, no_wrap=True)
    for name in ("accepted", "spent", "seed"):
        table.add_column(name, justify="right", no_wrap=True)
    colours = {"done": "green", "live": "bold cyan", "stopped": "yellow", "crashed": "red", "failed": "red", "damaged": "red"}
    for row in rows:
        state = Text(row["status"], style=colours.get(row["status"], ""))
        if row["status"] == "damaged":
            table.add_row(row["run"], state, "", row["error"], "", "", "")
            continue
        score = Score.model_validate(row["score"]) if row["score"] else None
        taken = f"{row['accepted']} of {row['steps']}"
        spent, seed = duration(row["spent_seconds"]), str(row["seed"])
        table.add_row(row["run"], state, row["metric"], score_text(score), taken, spent, seed)
    return table


def show(
    run: RunArg,
    step: Annotated[str | None, typer.Argument(metavar="[STEP]", help="t1-4, best, baseline or last.", show_default=False)] = None,
    step_option: Annotated[str | None, typer.Option("--step", metavar="STEP", help="The same as STEP.", show_default=False)] = None,
    script: Annotated[bool, typer.Option("--script", help="Print only the step's script.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Show a run or a step."""
    from gome_graph.cli.commands.showing import run_facts, show_run, show_step, step_facts

    opened = open_run(run)
    view = story(opened)
    name = step_option or step
    if name is None and script:
        name = "best"
    if name is None:
        output.result(run_facts(opened, view, status(opened, view)))
        output.tell(*show_run(opened, view, status(opened, view)))
        return
    found = find_step(opened, view, name)
    if script:
        solution = opened.step(found).solution()
        text = solution.script if solution else ""
        output.result({"step": found, "script": text})
        output.tell(text.rstrip("\n"))
        return
    output.result(step_facts(opened, found))
    output.tell(*show_step(opened, view, found))


def diff(
    run: RunArg,
    step: Annotated[str, typer.Option(help="The step to look at.")] = "best",
    against: Annotated[str, typer.Option(help="What to compare it with.")] = "baseline",
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Show how two scripts differ."""
    from gome_graph.errors import RunError
    from gome_graph.solution import share_changed, unified_diff

    opened = open_run(run)
    view = story(opened)
    new, old = find_step(opened, view, step), find_step(opened, view, against)
    scripts = []
    for name in (old, new):
        solution = opened.step(name).solution()
        if solution is None:
            raise RunError(f"step {name} of {run} has no script yet")
        scripts.append(solution.script)
    text = unified_diff(scripts[0], scripts[1], f"{old}/solution.py", f"{new}/solution.py")
    output.result({"step": new, "against": old, "share_changed": round(share_changed(scripts[0], scripts[1]), 4), "diff": text})
    output.tell(coloured(text) if text else f"{new} and {old} have the same script")


def coloured(text: str) -> Any:
    """A unified diff in colours."""
    from rich.text import Text

    from gome_graph.report.format import harmless

    lines = Text()
    for line in harmless(text, keep_lines=True).splitlines():
        style = "bold" if line.startswith(("+++", "---")) else "cyan" if line.startswith("@@") else ""
        style = style or ("green" if line.startswith("+") else "red" if line.startswith("-") else "")
        lines.append(line + "\n", style=style)
    lines.rstrip()
    return lines


def report(
    run: RunArg,
    open_page: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Write the HTML report."""
    from gome_graph.cli.running import shown
    from gome_graph.report import write_report

    path = write_report(open_run(run))
    output.result({"report": str(path), "bytes": path.stat().st_size})
    output.tell(shown(path))
    if open_page:
        typer.launch(path.as_uri())
