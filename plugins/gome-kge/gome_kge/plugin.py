"""What gome-kge adds to gome: the ``gome kge`` commands. Imports nothing heavy."""

from typing import TYPE_CHECKING

from gome_graph.hooks import hookimpl

if TYPE_CHECKING:
    import typer


@hookimpl
def gome_register_commands(app: "typer.Typer") -> None:
    """``gome kge train|evaluate|predict|explain|search|export|datasets``."""
    from gome_kge.cli import kge_app

    app.add_typer(kge_app, name="kge")
