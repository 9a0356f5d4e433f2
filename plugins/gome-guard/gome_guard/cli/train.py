"""``gome guard train``: a policy from the bank's log, taught by its training samples."""

from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say
from gome_graph.errors import TaskError
from gome_guard.cli.options import BankOption, HeldOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(train)


def train(
    bank: BankOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Policy to write (.npz, plain arrays).")],
    start: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="Policy to go on from; default: a new one.")] = None,
    predict: Annotated[
        Path | None, typer.Option("--predict", metavar="FILE", help="Write what it does on every logged request (.jsonl), for the gate.")
    ] = None,
    loss: Annotated[str, typer.Option(help="ips, snips, dr or poem.")] = "dr",
    epochs: Annotated[int, typer.Option(min=1, max=500, help="Passes over the log.")] = 20,
    incumbent: Annotated[
        Path | None, typer.Option("--incumbent", metavar="FILE", help="Policy to stay near to; default: that of --from, else none.")
    ] = None,
    held: HeldOption = None,
    samples: Annotated[bool, typer.Option(help="Teach the bank's training samples too.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Same bank and seed, same policy.")] = 0,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a policy off-policy. Example: gome guard train --bank bank --out v3.npz --predict v3.jsonl"""
    from gome_guard.bank import Bank
    from gome_guard.policies import read_policy, write_policy
    from gome_guard.policy.from_bank import predictions, train_bank
    from gome_guard.policy.learner import LOSSES
    from gome_guard.records import Part, Status
    from gome_guard.watch import read_watch

    if loss not in LOSSES:
        raise TaskError(f"--loss {loss!r} is none that there is; write one of: {', '.join(LOSSES)}.")
    if out.suffix != ".npz":
        raise TaskError(f"--out {out} must end in .npz.")
    if predict is not None and predict.suffix != ".jsonl":
        raise TaskError(f"--predict {predict} must end in .jsonl.")
    if held is not None and incumbent is None and start is None:
        raise TaskError("--held says where the incumbent stays; name it with --incumbent (or --from).")
    watched, old = None if held is None else read_watch(held), None if incumbent is None else read_policy(incumbent)
    with Bank(bank) as store:
        rows, taught = store.feedback(), store.samples(Part.TRAIN, Status.ACTIVE) if samples else []
    if not rows:
        raise TaskError(f"The bank {bank} holds no log; gome guard ingest --bank {bank} --log FILE puts one in.")
    say(f"learning from {len(rows)} decisions and {len(taught)} samples", stderr=True)
    found = train_bank(
        rows, taught, out, start=start, loss=loss, epochs=epochs, seed=seed, incumbent=old,
        held=watched.held if watched else (), doubted=set(watched.doubted) if watched else (),
    )  # fmt: skip
    if predict is not None:
        write_policy(predict, predictions(out, rows), "--predict")
    written = None if predict is None else str(predict)
    result({"policy": str(out), "rows": len(rows), "samples": len(taught), "loss": found, "predictions": written})
    say(f"Wrote {out}" + (f" and {predict}" if predict else "") + ".")
