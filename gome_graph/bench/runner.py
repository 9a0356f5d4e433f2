"""Carry cells out, each as a ``gome run`` of its own; what has ended is not run again, what was cut off is resumed."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gome_graph.bench.plan import Cell, Plan
from gome_graph.run import RunDirectory

ENDED = ("done", "failed")
WAIT_SECONDS = 0.5
"""How often a run that another process still works on (its bench was killed) is looked at."""
INTERRUPTED = 130


def ended(folder: Path) -> bool:
    """Whether a run has come to its end."""
    if not (folder / "run.json").is_file():
        return False
    result = RunDirectory.open(folder).record().get("result") or {}
    return result.get("status") in ENDED


def carry_out(plan: Plan, out: Path, jobs: int, tell: Callable[[Cell, str], None], stop: threading.Event) -> list[Cell]:
    """Run every cell that has not ended, `jobs` at a time; returns those that could not be brought to an end."""
    todo = [cell for cell in plan.cells if not ended(out / "runs" / cell.name)]

    def one(cell: Cell) -> bool:
        if stop.is_set():
            return False
        tell(cell, "begins")
        fine = _run(plan, cell, out, stop)
        tell(cell, "has ended" if fine else "was stopped" if stop.is_set() else "could not be run")
        return fine

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        fine = list(pool.map(one, todo))
    return [cell for cell, good in zip(todo, fine, strict=True) if not good]


def _run(plan: Plan, cell: Cell, out: Path, stop: threading.Event) -> bool:
    folder = out / "runs" / cell.name
    for attempt in range(2):
        _wait_for_others(folder, stop)
        if ended(folder):
            return True
        if (folder / "run.json").is_file() and attempt == 0:
            arguments = ["resume", str(folder)]
        else:
            shutil.rmtree(folder, ignore_errors=True)
            arguments = plan.command(cell, out)
        log = out / "logs" / f"{cell.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            code = subprocess.run(
                [sys.executable, "-m", "gome_graph.cli", *arguments, "--quiet"], stdout=file, stderr=file, check=False,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            ).returncode  # fmt: skip
        if stop.is_set() or code == INTERRUPTED:
            stop.set()
            return False
        if ended(folder):
            return True
    return False


def _wait_for_others(folder: Path, stop: threading.Event) -> None:
    while (folder / "run.json").is_file() and RunDirectory.open(folder).is_live() and not stop.is_set():
        time.sleep(WAIT_SECONDS)
