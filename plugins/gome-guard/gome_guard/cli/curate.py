"""``gome guard curate``: reports into samples that can be trusted."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import BankOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("curate")(curate)


def curate(
    bank: BankOption,
    before: Annotated[Path, typer.Option("--before", metavar="FILE", help="What the earlier policy does: id and probabilities.")],
    after: Annotated[Path, typer.Option("--after", metavar="FILE", help="What the policy complained about does, in the same form.")],
    checked: Annotated[
        Path | None, typer.Option("--checked", metavar="FILE", help="Incidents people looked at (id, right): gives each stage's precision.")
    ] = None,
    mining: Annotated[bool, typer.Option(help="Add logged neighbours on which the earlier policy did the same.")] = True,
    expire_days: Annotated[int | None, typer.Option(min=1, help="Days after which a sample counts no longer.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what each stage keeps; change nothing.")] = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Turn the bank's incidents into samples. Example: gome guard curate --bank bank --before v1.jsonl --after v2.jsonl --dry-run"""
    from gome_guard.bank import Bank
    from gome_guard.curate.from_bank import curate_bank
    from gome_guard.policies import read_policy
    from gome_guard.records import Part, Tier

    with Bank(bank) as store:
        rows, incidents = store.feedback(), store.incidents()
        found = curate_bank(
            rows, incidents, read_policy(before), read_policy(after), mining=mining, expire_days=expire_days,
            checked=None if checked is None else _checked(checked),
        )  # fmt: skip
        if not dry_run:
            old = {s.id: s for s in store.samples()}
            # What people decided about a sample outlives a new curation.
            fresh = [
                s.model_copy(update={"status": old[s.id].status, "blocked": old[s.id].blocked}) if s.id in old else s for s in found.samples
            ]
            store.put_samples([s for s in fresh if s.part is not Part.SEALED])
            with Bank(bank, create=True, sealed=True) as sealed:
                sealed.put_samples([s for s in fresh if s.part is Part.SEALED])
    count = {tier.value: sum(s.tier is tier and not s.mined for s in found.samples) for tier in Tier}
    parts = {part.value: sum(s.part is part for s in found.samples) for part in Part}
    result({
        "bank": str(bank), "stages": [rung.model_dump(mode="json") for rung in found.outcome.rungs], "tiers": count, "parts": parts,
        "mined": sum(s.mined for s in found.samples), "clusters": len({s.cluster for s in found.samples}), "left_out": found.left_out,
        "dry_run": dry_run,
    })  # fmt: skip
    tell(_table(found.outcome.rungs))
    say(f"{count['A']} samples of tier A, {count['B']} of tier B, {sum(s.mined for s in found.samples)} mined; by part: {parts}")
    if found.left_out:
        say(f"warning: {found.left_out} incidents could not be joined with a logged request and both policies", stderr=True)


def _checked(path: Path) -> dict[str, bool]:
    from gome_guard.tables import read_rows

    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = {}
    for number, row in read_rows(path):
        right = words.get(str(row.get("right")).lower())
        if "id" not in row or right is None:
            raise TaskError(f"{path}, row {number} needs `id` and `right` (true or false).")
        found[str(row["id"])] = right
    return found


def _table(rungs: Any) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("stage", "kept", "dropped", "precision", "95 %"):
        table.add_column(name)
    for rung in rungs:
        p = rung.precision
        table.add_row(
            rung.stage, str(rung.kept), str(rung.dropped), f"{p.value:.3f}" if p else "-", f"{p.low:.3f} to {p.high:.3f}" if p else "-"
        )
    return table
