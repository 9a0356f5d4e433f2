"""``gome guard train``: a policy from the bank's log, taught by its training samples."""

from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say
from gome_graph.errors import TaskError
from gome_guard.cli.options import BankOption


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
    samples: Annotated[bool, typer.Option(help="Teach the bank's training samples too.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Same bank and seed, same policy.")] = 0,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a policy off-policy. Example: gome guard train --bank bank --out v3.npz --predict v3.jsonl"""
    from gome_guard.bank import Bank
    from gome_guard.policy.from_bank import train_bank, write_predictions
    from gome_guard.policy.learner import LOSSES
    from gome_guard.records import Part, Status

    if loss not in LOSSES:
        raise TaskError(f"--loss {loss!r} is none that there is; write one of: {', '.join(LOSSES)}.")
    if out.suffix != ".npz":
        raise TaskError(f"--out {out} must end in .npz.")
    with Bank(bank) as store:
        rows, taught = store.feedback(), store.samples(Part.TRAIN, Status.ACTIVE) if samples else []
    if not rows:
        raise TaskError(f"The bank {bank} holds no log; gome guard ingest --bank {bank} --log FILE puts one in.")
    say(f"learning from {len(rows)} decisions and {len(taught)} samples", stderr=True)
    found = train_bank(rows, taught, out, start=start, loss=loss, epochs=epochs, seed=seed)
    if predict is not None:
        write_predictions(predict, out, rows)
    written = None if predict is None else str(predict)
    result({"policy": str(out), "rows": len(rows), "samples": len(taught), "loss": found, "predictions": written})
    say(f"Wrote {out}" + (f" and {predict}" if predict else "") + ".")
