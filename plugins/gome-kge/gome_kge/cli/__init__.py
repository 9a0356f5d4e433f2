"""``gome kge``: the commands. torch is imported when a command runs, never before."""

import typer

from gome_kge.cli import search, train, use

kge_app = typer.Typer(
    help="Knowledge-graph embeddings: train, evaluate, predict, explain, search, export; leak-free and fast on a CPU.", no_args_is_help=True
)
for module in (train, use, search):
    module.register(kge_app)

__all__ = ["kge_app"]
