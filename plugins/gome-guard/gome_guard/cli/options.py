"""Flags that several guard commands share."""

from pathlib import Path
from typing import Annotated

import typer

BankOption = Annotated[Path, typer.Option("--bank", metavar="DIR", help="Directory of the bank.")]
LogOption = Annotated[Path, typer.Option("--log", metavar="FILE", help="Logged decisions: .jsonl, .csv or .parquet.")]
CandidateOption = Annotated[Path, typer.Option("--candidate", metavar="FILE", help="What the candidate does on the bank's requests.")]
IncumbentOption = Annotated[Path, typer.Option("--incumbent", metavar="FILE", help="What the policy in service does, in the same form.")]
ChurnOption = Annotated[float, typer.Option(min=0, max=0.5, help="Flips that retraining makes by chance; measure yours.")]
TauOption = Annotated[float, typer.Option(min=0.01, max=0.99, help="Probability of accepted actions that counts as doing it.")]
MinOption = Annotated[int, typer.Option(min=2, help="Samples of a segment, below which it is judged together with other small ones.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Let warnings block too.")]
HeldOption = Annotated[
    Path | None, typer.Option("--held", metavar="FILE", help="What `gome guard quarantine --out` wrote: there the incumbent stays.")
]

BLOCKED = 1
"""Exit code of a command whose answer is no: the candidate must not go live."""

INSUFFICIENT = 2
"""Exit code where nothing could be judged: the input is too little to answer. Never a pass."""


def exit_by(decision: str, *, strict: bool = False) -> None:
    """Leave with the exit code of a gate's decision; pass, and a warning that is not `strict`, go on."""
    if decision == "insufficient":
        raise typer.Exit(INSUFFICIENT)
    if decision in ("block", "reject") or (strict and decision in ("warn", "fallback")):
        raise typer.Exit(BLOCKED)
