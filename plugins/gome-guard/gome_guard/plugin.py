"""What gome-guard adds to gome: the ``gome guard`` commands. Imports nothing heavy."""

from typing import TYPE_CHECKING

from gome_graph.hooks import hookimpl

if TYPE_CHECKING:
    import typer


@hookimpl
def gome_register_commands(app: "typer.Typer") -> None:
    """``gome guard ingest|evaluate|…``."""
    from gome_guard.cli import guard_app

    app.add_typer(guard_app, name="guard")
