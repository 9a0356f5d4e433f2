"""``gome stop`` and ``gome instruct``: talk to a run from another terminal."""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.commands.common import open_run, status, story
from gome_graph.cli.options import Debug, Json, Quiet, RunArg

STOP_HELP = """Ask a live run to end; it writes out the best so far, like Ctrl-C in its terminal.

Example: [bold]gome stop runs/sales-3f2a1c[/bold]
"""

INSTRUCT_HELP = """Give a live or stopped run a hint; traces see it before their next step.

Example: [bold]gome instruct runs/sales-3f2a1c "try splitting product_code" --trace 1[/bold]
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("stop", help=STOP_HELP)(stop)
    app.command("instruct", help=INSTRUCT_HELP)(instruct)


def stop(run: RunArg, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Ask a run to end."""
    from gome_graph.errors import RunError

    opened = open_run(run)
    if not opened.is_live():
        raise RunError(f"{run} is not running (status: {status(opened, story(opened))}); there is nothing to stop")
    opened.stop_path.touch()
    output.result({"run": str(opened.root), "asked": True})
    output.say("asked to stop; it ends within seconds and keeps the best so far")


def instruct(
    run: RunArg,
    hint: Annotated[str, typer.Argument(metavar="HINT", help="What to keep in mind.", show_default=False)],
    trace: Annotated[int | None, typer.Option(help="Only for this trace.", min=0, show_default=False)] = None,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Give a hint."""
    from gome_graph.errors import RunError, TaskError

    opened = open_run(run)
    text = " ".join(hint.split())
    if not text:
        raise TaskError("the hint is empty; write it in quotes after the run directory")
    traces = int(opened.record().get("settings", {}).get("traces", 64))
    if trace is not None and trace >= traces:
        raise TaskError(f"--trace {trace}: the run has traces 0 to {traces - 1}")
    state = status(opened, story(opened))
    if state in ("done", "failed"):  # neither can be resumed
        raise RunError(f"{run} has ended; a hint would reach nobody")
    _append(opened.hints_path, json_module.dumps({"trace": trace, "text": text}, ensure_ascii=False))
    output.result({"run": str(opened.root), "trace": trace, "text": text, "hints": len(opened.hints())})
    output.say("noted" if state == "live" else f"noted; it is read when the run goes on: gome resume {run}")


def _append(path: Path, line: str) -> None:
    """One write, so that a reader sees the whole line or nothing of it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
