"""``gome guard quarantine``: which rewards of the log are not to be believed yet?"""

from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import BLOCKED, BankOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("quarantine")(quarantine)


def quarantine(
    bank: BankOption,
    days: Annotated[float | None, typer.Option(min=0.001, help="Days of a window; default: a window for each policy version.")] = None,
    effect: Annotated[float, typer.Option(min=0, help="Smallest jump of the mean reward that matters.")] = 0.1,
    alpha: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Error level of an action's test.")] = 0.05,
    min_rows: Annotated[int, typer.Option(min=2, help="Decisions of an action in a window, below which nothing is said.")] = 4,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it as JSON, for --held of train, serve and repair.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if an action is held now.")] = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Hold actions whose reward jumped until a second window says so too. Example: gome guard quarantine --bank bank --out held.json"""
    from gome_graph.support.files import write_json
    from gome_guard.bank import Bank
    from gome_guard.log import build
    from gome_guard.quarantine import QuarantineSettings
    from gome_guard.watch import watch, windows_of

    if out is not None and out.suffix != ".json":
        raise TaskError(f"--out {out} must end in .json.")
    with Bank(bank) as store:
        rows = store.feedback()
    if not rows:
        raise TaskError(f"The bank {bank} holds no log; gome guard ingest --bank {bank} --log FILE puts one in.")
    log = build(rows)
    found = watch(log, windows_of(log, days), QuarantineSettings(effect=effect, alpha=alpha, min_rows=min_rows))
    if out is not None:
        write_json(out, found.model_dump(mode="json"))
    result(found.model_dump(mode="json"))
    for window in found.windows:
        said = [f"{what} {', '.join(names)}" for what in ("held", "confirmed", "dropped") if (names := getattr(window, what))]
        tell(f"{window.name}: {window.rows} decisions; {'; '.join(said) or 'nothing jumped'}")
    say(f"{len(found.doubted)} of {len(rows)} decisions are not believed; held now: {', '.join(found.held) or 'none'}.")
    if strict and found.held:
        raise typer.Exit(BLOCKED)
