"""``gome stop`` and ``gome instruct``: talk to a run from another terminal."""

from typing import Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.commands.common import open_run
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
    from gome_graph.report.steer import ask_stop

    opened = open_run(run)
    ask_stop(opened)
    output.result({"run": str(opened.root), "asked": True})
    output.say("asked to stop; it ends within seconds and keeps the best so far")


def instruct(
    run: RunArg,
    hint: Annotated[str, typer.Argument(metavar="HINT", help="What to keep in mind.", show_default=False)],
    trace: Annotated[int | None, typer.Option(help="Only for this trace.", min=0, show_default=False)] = None,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Give a hint."""
    from gome_graph.report.steer import give_hint

    opened = open_run(run)
    given = give_hint(opened, hint, trace)
    output.result({"run": str(opened.root), **given, "hints": len(opened.hints())})
    output.say("noted" if opened.is_live() else f"noted; it is read when the run goes on: gome resume {run}")
