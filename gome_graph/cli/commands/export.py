"""``gome export``: a package that runs without gome."""

from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.commands.common import find_step, open_run, story
from gome_graph.cli.options import Debug, Json, Quiet, RunArg

HELP = """Write a package that runs without gome: the script, predict.py for new rows, training data, schema, requirements, README.

STEP is a step id such as t1-4, or best, baseline, last.

Example: [bold]gome export runs/sales-3f2a1c --out sales-model[/bold]
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", help=HELP)(export)


def export(
    run: RunArg,
    step: Annotated[str, typer.Option(help="The step whose script is handed over.")] = "best",
    out: Annotated[Path | None, typer.Option(help="Folder to write (default: <run>-package).", show_default=False)] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="One .zip file instead of a folder.")] = False,
    no_data: Annotated[bool, typer.Option("--no-data", help="Leave the training data out.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Write the package."""
    from gome_graph.cli.running import shown
    from gome_graph.report.package import write_package

    opened = open_run(run)
    view = story(opened)
    name = find_step(opened, view, step)
    place = out or Path(f"{opened.root.name}-package")
    made = write_package(opened, view, name, place, data=not no_data, zipped=zipped)
    output.result({"package": str(made.resolve()), "step": name, "data": not no_data, "zip": zipped})
    output.tell(shown(made))
    if not zipped:
        output.say(f"predict new rows with:  python {shown(made / 'predict.py')} new.csv --out predictions.csv")
