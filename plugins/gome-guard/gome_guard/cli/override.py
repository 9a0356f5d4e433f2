"""``gome guard override``: the table that a service looks up before it acts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import BankOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("override")(override)


def override(
    bank: BankOption,
    tier: Annotated[str, typer.Option(help="Least trust of a sample that may overrule: A or B.")] = "B",
    radius: Annotated[float, typer.Option(min=0.01, max=1, help="Cosine within which a lesson holds for another request.")] = 0.8,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the table (.npz) for `serve` and for services.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the lessons that overrule a policy, or write them. Example: gome guard override --bank bank --tier A --out overrides.npz"""
    from gome_guard.bank import Bank
    from gome_guard.gate.table import make_table
    from gome_guard.records import Part, Status, Tier

    if tier not in ("A", "B"):
        raise TaskError(f"--tier {tier!r} is none that there is; write A or B.")
    if out is not None and out.suffix != ".npz":
        raise TaskError(f"--out {out} must end in .npz.")
    with Bank(bank) as store:
        rows, samples = store.feedback(), store.samples(Part.TRAIN, Status.ACTIVE)
    tiers = (Tier.A,) if tier == "A" else (Tier.A, Tier.B)
    table = make_table(rows, samples, datetime.now(UTC), tiers=tiers, radius=radius)
    if out is not None:
        table.save(out)
    written = None if out is None else str(out)
    result({"entries": [e.model_dump(mode="json") for e in table.entries], "radius": radius, "written": written})
    for e in table.entries:
        tell(f"{e.sample}  {e.tier.value}  not {', '.join(e.reject)} but {', '.join(e.accept)}: {e.text or e.segment}")
    say(f"{len(table)} lessons overrule" + (f", written to {out}." if out else "."))
