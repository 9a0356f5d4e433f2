"""``gome guard``: regression incidents into samples, samples into a gate. Heavy imports are inside the commands."""

import typer

from gome_guard.cli import curate, evaluate, gate, ingest, override, quarantine, repair, report, serve, simulate, train

guard_app = typer.Typer(
    help="No incident twice: ingest logs and incidents, curate samples, evaluate and gate policies before they go live.",
    no_args_is_help=True,
)

for module in (ingest, curate, quarantine, train, evaluate, gate, repair, serve, override, report, simulate):
    module.register(guard_app)
