"""``gome pause``, ``gome pin`` and ``gome veto``: have a say in a run from another terminal."""

from typing import Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.commands.common import find_step, open_run, story
from gome_graph.cli.options import Debug, Json, Quiet, RunArg

PAUSE_HELP = """Ask a live run to rest after the steps in hand; its clock stands still until it goes on with: gome resume.

Example: [bold]gome pause runs/sales-3f2a1c[/bold]
"""

PIN_HELP = """Have a step handed out at the end, whatever the numbers say.

Example: [bold]gome pin runs/sales-3f2a1c t1-4 --reason "simplest of the good ones"[/bold]
"""

VETO_HELP = """Refuse a step: neither it nor what was built on it is handed out, and its trace goes on from what is left.

Example: [bold]gome veto runs/sales-3f2a1c t0-7 --reason "looks into the future"[/bold]
"""

StepArg = Annotated[str, typer.Argument(metavar="STEP", help="t1-4, best, baseline or last.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why; kept in the journal.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause", help=PAUSE_HELP)(pause)
    app.command("pin", help=PIN_HELP)(pin)
    app.command("veto", help=VETO_HELP)(veto)


def pause(run: RunArg, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Ask a run to rest."""
    from gome_graph.report.steer import ask_pause

    opened = open_run(run)
    ask_pause(opened)
    output.result({"run": str(opened.root), "asked": True})
    output.say(f"asked to pause; it rests when the steps in hand are done. Go on with: gome resume {run}")


def pin(run: RunArg, step: StepArg, reason: Reason = "", json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Choose what is handed out."""
    _wish(run, step, "pin", reason)


def veto(run: RunArg, step: StepArg, reason: Reason = "", json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Refuse a step."""
    _wish(run, step, "veto", reason)


def _wish(run: RunArg, name: str, kind: str, reason: str) -> None:
    from gome_graph.report.steer import wish
    from gome_graph.run.steering import WishKind

    opened = open_run(run)
    made = wish(opened, find_step(opened, story(opened), name), WishKind(kind), reason)
    output.result({"run": str(opened.root), "step": made.step, "wish": kind, "reason": made.reason})
    when = "it is done before the next step" if opened.is_live() else f"it is done when the run goes on: gome resume {run}"
    output.say(f"noted for {made.step}; {when}")
