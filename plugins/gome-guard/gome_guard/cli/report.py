"""``gome guard report`` and ``gome guard disputes``: what was decided, and what a person must decide."""

from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import BankOption


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("report")(report)
    app.command("disputes")(disputes)


def report(
    bank: BankOption,
    verdict: Annotated[str, typer.Option("--verdict", metavar="ID", help="A verdict of the bank; default: the newest.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it: .json (signed) or .html.")] = None,
    verify: Annotated[Path | None, typer.Option("--verify", metavar="FILE", help="Check the signature of a JSON report instead.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write or verify a report; checks the audit trail too. Example: gome guard report --bank bank --out verdict.html"""
    from gome_guard.bank import Bank
    from gome_guard.gate.from_bank import Verdict
    from gome_guard.report.signed import signed, write_report
    from gome_guard.report.signed import verify as check

    with Bank(bank) as store:
        store.verify()
        if verify is not None:
            found = check(verify, bank)
            result({"file": str(verify), "verdict": found.id, "valid": True})
            tell(f"{verify} is as it was signed: verdict {found.id}, {found.result.decision}.")
            return
        kept = [Verdict.model_validate_json(text) for text in store.verdicts()]
    chosen = [v for v in kept if not verdict or v.id == verdict]
    if not chosen:
        raise TaskError(f"The bank {bank} has no verdict {verdict or 'yet'}; gome guard gate makes them.")
    if out is not None:
        write_report(out, chosen[-1], bank)
    result(signed(chosen[-1], bank))
    tell(f"{chosen[-1].id}: {chosen[-1].result.decision}" + (f", written to {out}" if out else ""))


def disputes(
    bank: BankOption,
    keep: Annotated[str, typer.Option("--keep", metavar="ID", help="This sample is right: it may block again.")] = "",
    retire: Annotated[str, typer.Option("--retire", metavar="ID", help="This sample is wrong or outlived: it counts no longer.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit trail.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who decides.")] = "",
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List disputed samples, or settle one. Example: gome guard disputes --bank bank --retire 3f2a… --reason 'skill is gone' --by kim"""
    from gome_guard.bank import Bank
    from gome_guard.records import Status

    if keep and retire:
        raise TaskError("--keep and --retire settle one sample each; name one of them.")
    if (keep or retire) and not reason:
        raise TaskError("Say why with --reason; it goes into the audit trail.")
    with Bank(bank) as store:
        if keep or retire:
            sample = store.sample(keep or retire)
            store.set_status([sample.id], Status.ACTIVE if keep else Status.RETIRED, reason, by)
            if keep:
                store.put_samples([store.sample(sample.id).model_copy(update={"blocked": 0})])
            result({"sample": sample.id, "status": store.sample(sample.id).status.value})
            say(f"{sample.id} is {store.sample(sample.id).status.value} now.")
            return
        found = store.samples(status=Status.DISPUTED)
    result({"disputed": [s.model_dump(mode="json") for s in found]})
    for s in found:
        tell(f"{s.id}  {s.segment}: {s.text or s.request!r}, accepts {', '.join(s.accept)}; stood against {s.blocked} better candidates")
    if not found:
        tell("No sample is disputed.")
