"""Flags that several guard commands share."""

from pathlib import Path
from typing import Annotated

import typer

BankOption = Annotated[Path, typer.Option("--bank", metavar="DIR", help="Directory of the bank.")]
LogOption = Annotated[Path, typer.Option("--log", metavar="FILE", help="Logged decisions: .jsonl, .csv or .parquet.")]

BLOCKED = 1
"""Exit code of a command whose answer is no: the candidate must not go live."""
