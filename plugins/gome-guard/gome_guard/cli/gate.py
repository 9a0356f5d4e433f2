"""``gome guard gate``: may this candidate go live?"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import (
    BankOption,
    CandidateOption,
    ChurnOption,
    IncumbentOption,
    MinOption,
    StrictOption,
    TauOption,
    exit_by,
)

if TYPE_CHECKING:
    from gome_guard.gate.from_bank import Verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gate")(gate)


def gate(
    bank: BankOption,
    candidate: CandidateOption,
    incumbent: IncumbentOption,
    evaluation: Annotated[
        Path | None, typer.Option("--evaluation", metavar="FILE", help="JSON of `gome guard evaluate`; a gain counts for disputes.")
    ] = None,
    churn: ChurnOption = 0.02,
    tau: TauOption = 0.5,
    min_n: MinOption = 10,
    rule: Annotated[str, typer.Option(help="exact (binomial, Holm) or tolerance (more than one flip).")] = "exact",
    strict: StrictOption = False,
    sealed: Annotated[bool, typer.Option("--sealed", help="Judge on the sealed part: for a final claim, once.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the report: .json or .html.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Pass (exit 0), block (1), nothing can be said (2). Example: gome guard gate --bank bank --candidate v3.jsonl --incumbent v2.jsonl"""
    from gome_guard.bank import Bank
    from gome_guard.gate.check import GatePolicy
    from gome_guard.gate.from_bank import after_block, judge
    from gome_guard.policies import read_policy
    from gome_guard.records import Part
    from gome_guard.report.signed import write_report

    if rule not in ("exact", "tolerance"):
        raise TaskError(f"--rule {rule!r} is none that there is; write exact or tolerance.")
    new, old = read_policy(candidate), read_policy(incumbent)
    bound = None if evaluation is None else _lower_bound(evaluation)
    with Bank(bank, sealed=sealed) as store:
        samples = store.samples(Part.SEALED if sealed else Part.GATE)
        policy = GatePolicy(churn=churn, tau=tau, min_n=min_n, rule=rule)
        verdict = judge(samples, new, old, policy, now=datetime.now(UTC), lower_bound=bound)
        if store.add_verdict(verdict.id, verdict.model_dump_json()):  # the same candidate again is no further vote
            store.put_samples(after_block(samples, verdict), "sample_stood_against_a_better_candidate")
        if out is not None:
            write_report(out, verdict, bank)
    decision = verdict.result.decision
    result(verdict.model_dump(mode="json"))
    tell(f"{decision.upper()}: verdict {verdict.id} on {len(verdict.result.samples)} samples")
    for reason in verdict.result.reasons:
        tell(f"  {reason}")
    say(_table(verdict))
    exit_by(decision, strict=strict)


def _lower_bound(path: Path) -> float | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        bound = value.get("lower_bound")
        return None if bound is None else float(bound)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise TaskError(f"--evaluation {path} is not what `gome guard evaluate --json` prints ({error}).") from error


def _table(verdict: "Verdict") -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("segment", "status", "n", "flips", "gains", "fails from", "power at 30 %", "at 50 %", "false block"):
        table.add_column(name)
    for s in verdict.result.segments:
        shares = [f"{v:.2f}" if v is not None else "-" for v in (s.power_30, s.power_50, s.false_block)]
        table.add_row(s.segment, s.status, str(s.n), str(s.flips), str(s.gains), str(s.fails_from or "-"), *shares)
    return table
