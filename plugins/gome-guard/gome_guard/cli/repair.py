"""``gome guard repair``: what a blocked candidate gets before it is given up."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import BankOption, ChurnOption, HeldOption, IncumbentOption, MinOption, StrictOption, TauOption, exit_by


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("repair")(repair)


def repair(
    bank: BankOption,
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="The candidate, as `gome guard train` wrote it (.npz).")],
    incumbent: IncumbentOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Repaired policy to write (.npz).")],
    served: Annotated[Path, typer.Option("--served", metavar="FILE", help="What to serve, the incumbent's part in it (.jsonl).")],
    rounds: Annotated[int, typer.Option(min=0, max=20, help="Times to learn again, at most; 0 only falls back.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, max=500, help="Passes over the log in a round.")] = 10,
    held: HeldOption = None,
    churn: ChurnOption = 0.02,
    tau: TauOption = 0.5,
    min_n: MinOption = 10,
    strict: StrictOption = False,
    seed: Annotated[int, typer.Option(min=0, help="Same bank, policy and seed, same repair.")] = 0,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Learn again with failed clusters weighted, then fall back (exit 0), or reject (1); nothing can be said (2).

    Example: gome guard repair --bank bank --policy v3.npz --incumbent v2.jsonl --out v4.npz --served v4.jsonl
    """
    import shutil
    import tempfile

    from gome_guard.bank import Bank
    from gome_guard.gate.check import GatePolicy
    from gome_guard.gate.from_bank import Verdict, judge
    from gome_guard.gate.repair import repair as loop
    from gome_guard.gate.serve import compose, failing_actions
    from gome_guard.log import Distribution
    from gome_guard.policies import read_policy, write_policy
    from gome_guard.policy.from_bank import predictions, train_bank
    from gome_guard.records import Part, Status
    from gome_guard.watch import read_watch

    for path, option, suffix in ((out, "--out", ".npz"), (served, "--served", ".jsonl")):
        if path.suffix != suffix:
            raise TaskError(f"{option} {path} must end in {suffix}.")
    if not policy.is_file():
        raise TaskError(f"There is no file {policy} (--policy).")
    old, now, watched = read_policy(incumbent), datetime.now(UTC), None if held is None else read_watch(held)
    quarantined, doubted = (watched.held, set(watched.doubted)) if watched else ([], set[str]())
    with Bank(bank) as store, tempfile.TemporaryDirectory() as place:
        rows, samples = store.feedback(), store.samples()
        if not rows:
            raise TaskError(f"The bank {bank} holds no log; gome guard ingest --bank {bank} --log FILE puts one in.")
        gate = [s for s in samples if s.part is Part.GATE]
        taught = [s for s in samples if s.part is Part.TRAIN and s.status is Status.ACTIVE]
        files, failing = [policy], set[str]()

        def check(candidate: Distribution) -> Verdict:
            verdict = judge(gate, candidate, old, GatePolicy(churn=churn, tau=tau, min_n=min_n), now=now)
            store.add_verdict(verdict.id, verdict.model_dump_json())
            failing.update(failing_actions(gate, verdict))
            return verdict

        def learn(number: int, weights: Mapping[str, float]) -> Distribution:
            say(f"round {number}: learning again, {', '.join(f'{s} x {w:g}' for s, w in weights.items())}", stderr=True)
            files.append(Path(place) / f"{number}.npz")
            train_bank(
                rows, taught, files[-1], start=files[-2], epochs=epochs, seed=seed + number, incumbent=old,
                held={*quarantined, *failing}, doubted=doubted, weights=weights,
            )  # fmt: skip
            return predictions(files[-1], rows)

        def fall_back(candidate: Distribution, verdict: Verdict) -> Distribution:
            return compose(rows, candidate, old, failing=failing_actions(gate, verdict), held=quarantined, now=now)[0]

        found, policy_served = loop(predictions(policy, rows), samples, learn, check, fall_back, rounds=rounds)
        kept = found.decision == "promote" or (found.decision == "fallback" and not strict)
        if kept:
            write_policy(served, policy_served, "--served")
            part = out.with_name(f".{out.name}.part")
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[found.chosen], part)
            part.replace(out)
    result({**found.model_dump(mode="json"), "policy": str(out) if kept else None, "served": str(served) if kept else None})
    for each in found.rounds:
        tell(f"round {each.round}: {each.decision}" + (f", failing: {', '.join(each.failing)}" if each.failing else ""))
    tell(f"{found.decision.upper()}" + (f": the incumbent stays for {', '.join(found.failing)}" if found.decision == "fallback" else ""))
    for reason in found.reasons:
        tell(f"  {reason}")
    say(f"Wrote {out} and {served}." if kept else f"Did not write {out}.")
    exit_by(found.decision, strict=strict)
