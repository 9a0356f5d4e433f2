"""``gome guard serve``: the policy to serve from a candidate that is not good enough everywhere."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import (
    BankOption,
    CandidateOption,
    ChurnOption,
    HeldOption,
    IncumbentOption,
    MinOption,
    StrictOption,
    TauOption,
    exit_by,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    bank: BankOption,
    candidate: CandidateOption,
    incumbent: IncumbentOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Policy to write: id and probabilities (.jsonl).")],
    held: HeldOption = None,
    overrides: Annotated[Path | None, typer.Option("--overrides", metavar="FILE", help="Table of `gome guard override --out`.")] = None,
    churn: ChurnOption = 0.02,
    tau: TauOption = 0.5,
    min_n: MinOption = 10,
    strict: StrictOption = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """The candidate, the incumbent where it fails, lessons where they say so; judged again, written if it passes.

    Example: gome guard serve --bank bank --candidate v3.jsonl --incumbent v2.jsonl --held held.json --overrides t.npz --out served.jsonl
    """
    from gome_guard.bank import Bank
    from gome_guard.gate.check import GatePolicy
    from gome_guard.gate.from_bank import judge
    from gome_guard.gate.serve import compose, failing_actions
    from gome_guard.gate.table import OverrideTable
    from gome_guard.policies import read_policy, write_policy
    from gome_guard.records import Part
    from gome_guard.watch import read_watch

    if out.suffix != ".jsonl":
        raise TaskError(f"--out {out} must end in .jsonl.")
    new, old, now = read_policy(candidate), read_policy(incumbent), datetime.now(UTC)
    watched, table = None if held is None else read_watch(held), None if overrides is None else OverrideTable.load(overrides)
    policy = GatePolicy(churn=churn, tau=tau, min_n=min_n)
    with Bank(bank) as store:
        rows, samples = store.feedback(), store.samples(Part.GATE)
        if not rows:
            raise TaskError(f"The bank {bank} holds no log; gome guard ingest --bank {bank} --log FILE puts one in.")
        first = judge(samples, new, old, policy, now=now)
        served, plan = compose(
            rows, new, old, failing=failing_actions(samples, first), held=watched.held if watched else (), table=table, now=now
        )
        last = judge(samples, served, old, policy, now=now)
        for verdict in (first, last):
            store.add_verdict(verdict.id, verdict.model_dump_json())
    decision = last.result.decision
    written = decision == "pass" or (decision == "warn" and not strict)
    if written:
        write_policy(out, served, "--out")
    result({
        "decision": decision, "candidate": first.result.decision, "verdicts": [first.id, last.id], "plan": plan.model_dump(mode="json"),
        "reasons": last.result.reasons, "written": str(out) if written else None,
    })  # fmt: skip
    tell(f"candidate: {first.result.decision}; served: {decision}")
    for reason in last.result.reasons:
        tell(f"  {reason}")
    stays = ", ".join([*plan.failing, *plan.held]) or "nothing"
    say(f"The incumbent stays for {stays} ({plan.from_incumbent} of {plan.requests} requests); {len(plan.overruled)} are overruled.")
    say(f"Wrote {out}." if written else f"Did not write {out}.")
    exit_by(decision, strict=strict)
