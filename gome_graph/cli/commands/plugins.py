"""``gome plugins``: which plugins there are, what they offer, what is wrong with them."""

from typing import TYPE_CHECKING, Any

import typer

from gome_graph.cli import output
from gome_graph.cli.commands import new_plugin
from gome_graph.cli.options import Debug, Json, Quiet

if TYPE_CHECKING:
    from gome_graph.hooks.manager import Plugins

HELP = """List plugins with their hooks, broken ones included.

Example: [bold]gome plugins[/bold]
"""

CHECK_HELP = """Try each plugin and each thing it offers; exit code 1 if something is broken.

Example: [bold]gome plugins check[/bold]
"""

KINDS = ("chat_model", "reasoner", "executor", "memory", "embedding", "strategy")
"""Hooks that yield offers."""


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help=HELP, invoke_without_command=True)

    @group.callback(invoke_without_command=True)
    def default(context: typer.Context, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
        if context.invoked_subcommand is None:
            _list()

    group.command("list", help=HELP)(list_plugins)
    group.command("check", help=CHECK_HELP)(check)
    group.command("new", help=new_plugin.HELP)(new_plugin.new)
    app.add_typer(group, name="plugins", help=HELP)


def list_plugins(json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """List plugins."""
    _list()


def _list() -> None:
    from gome_graph.graph.builtins import load

    rows = rows_of(load())
    output.result(rows)
    output.tell(table_of(rows))


def check(json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Try each plugin."""
    from gome_graph.graph.builtins import load

    plugins = load()
    offers = offers_of(plugins)
    rows = rows_of(plugins)
    broken = [row for row in rows if row["status"] == "broken"]
    output.result({"plugins": rows, "offers": offers, "broken": len(broken)})
    output.tell(table_of(rows), offers_table(offers))
    if broken:
        raise typer.Exit(1)


def rows_of(plugins: "Plugins") -> list[dict[str, Any]]:
    """All plugins as JSON objects; asks for their offers first, so that what breaks then is counted."""
    offers_of(plugins)
    return [
        {"name": r.name, "module": r.module, "version": r.version, "status": r.status, "error": r.error, "hooks": r.hooks}
        for r in plugins.rows()
    ]


def offers_of(plugins: "Plugins") -> list[dict[str, Any]]:
    """Everything that can be chosen by name, with what is missing for it on this machine."""
    found = []
    for kind in KINDS:
        for offer in plugins.offers(kind):
            try:
                missing = list(offer.requires())
            except Exception as error:
                missing = [f"its check failed: {error}"]
            found.append({"kind": kind, "name": offer.name, "summary": offer.summary, "missing": missing})
    return found


def table_of(rows: list[dict[str, Any]]) -> Any:
    """The plugins as a table."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("plugin", "version", "status", "hooks"):
        table.add_column(name, overflow="fold")
    colours = {"built-in": "dim", "loaded": "green", "broken": "bold red", "not selected": "yellow"}
    for row in rows:
        what = row["error"] or ", ".join(hook.removeprefix("gome_") for hook in row["hooks"])
        table.add_row(row["name"], row["version"], Text(row["status"], style=colours.get(row["status"], "")), Text(what))
    return table


def offers_table(offers: list[dict[str, Any]]) -> Any:
    """What can be chosen by name."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("offer", "name", "ready", "what"):
        table.add_column(name, overflow="fold")
    for offer in offers:
        ready = Text("yes", style="green") if not offer["missing"] else Text("; ".join(offer["missing"]), style="yellow")
        table.add_row(offer["kind"].replace("_", " "), offer["name"], ready, Text(offer["summary"]))
    return table
