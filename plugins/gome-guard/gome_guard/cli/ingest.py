"""``gome guard ingest``: check logs and incidents, and put them into a bank."""

from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say
from gome_graph.errors import TaskError
from gome_guard.cli.options import BankOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ingest")(ingest)


def ingest(
    bank: BankOption,
    log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Logged decisions: .jsonl, .csv or .parquet.")] = None,
    incidents: Annotated[
        Path | None, typer.Option("--incidents", metavar="FILE", help="Incident reports: .jsonl, .csv or .parquet.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; change nothing.")] = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check and store logs and incidents; the same file twice changes nothing. Example: gome guard ingest --bank bank --log week1.jsonl"""
    from gome_guard.bank import FILE_NAME, Bank
    from gome_guard.checks import check_feedback, check_incidents
    from gome_guard.records import Feedback, Incident
    from gome_guard.tables import parse, read_rows

    if log is None and incidents is None:
        raise TaskError("Nothing to ingest: name a log with --log, or incidents with --incidents.")
    rows = parse(read_rows(log), Feedback, str(log)) if log is not None else []
    warnings = check_feedback(rows, str(log)) if log is not None else []
    reports = parse(read_rows(incidents), Incident, str(incidents)) if incidents is not None else []
    exists = (bank / FILE_NAME).is_file()
    known = {}
    if exists and reports:
        with Bank(bank) as old:
            known = {row.id: row for row in old.feedback()}
    known.update({row.id: row for row in rows})
    if reports:
        warnings += check_incidents(reports, known, str(incidents))
    new_rows = new_reports = 0
    if not dry_run:
        with Bank(bank, create=True) as store:
            new_rows, new_reports = (store.add_feedback(rows) if rows else 0), (store.add_incidents(reports) if reports else 0)
    result({
        "bank": str(bank), "feedback": len(rows), "new_feedback": new_rows, "incidents": len(reports), "new_incidents": new_reports,
        "warnings": warnings, "dry_run": dry_run,
    })  # fmt: skip
    for warning in warnings:
        say(f"warning: {warning}", stderr=True)
    say(f"{'Checked' if dry_run else 'Ingested'} {len(rows)} decisions ({new_rows} new) and {len(reports)} incidents ({new_reports} new).")
