"""What the commands share: flags, threads, progress."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.output import mode, say

DataOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder with train, valid and test files, one file of triples, or an npz archive.")
]
ModelOption = Annotated[Path, typer.Option("--model", metavar="DIR", help="Folder that `gome kge train` wrote.")]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; all free cores by default.")]

PROGRESS_SECONDS = 2.0
"""Least time between two lines of progress."""


def use_threads(threads: int | None, processes: int = 1) -> int:
    """Set torch's threads; the free cores are shared among `processes`.

    Idle threads must sleep: spinning, they steal the core from those that work when the machine is busy.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    if threads is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        threads = max(1, min(16, (cores - round(busy)) // processes))
    torch.set_num_threads(threads)
    return threads


class Progress:
    """Lines on stderr, not more than one every two seconds; on a terminal each replaces the last."""

    def __init__(self) -> None:
        self.last = 0.0
        self.began = time.monotonic()

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if now - self.last < PROGRESS_SECONDS and not text.startswith(("trying", "training", "evaluating")):
            return
        self.last = now
        if mode.quiet or mode.json:
            return
        line = f"{now - self.began:6.0f} s  {text}"
        if sys.stderr.isatty():
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        else:
            say(line, stderr=True)

    def end(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty() and not (mode.quiet or mode.json):
            print(file=sys.stderr)
