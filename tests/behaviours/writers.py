"""Behaviour 3: several processes write to one memory at once, one of them is killed; nothing acknowledged is lost.

``python -m tests.behaviours.writers DIR NAME COUNT`` is one writer: it prints each key once the memory has taken it.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from gome_graph.records import Component, Experience, Hypothesis, StepId, VerdictKind
from gome_memory.memory import MemoryConfig, SuccessMemory
from gome_memory.store import Store
from tests.behaviours.checks import Check, at_most

PROCESSES, EACH, KILL_AFTER = 6, 60, 15


def experience(name: str, number: int) -> Experience:
    """A step of a run."""
    return Experience(
        key=f"{name}/0/{number}", run=name, trace=0, step=StepId(f"t0-{number}"), task="shared", verdict=VerdictKind.ACCEPTED,
        gain_in_noise=number / 10, reason="x" * 500,
        hypothesis=Hypothesis(title=f"Idea {number} of {name}", rationale="Why not.", component=Component.MODEL),
    )  # fmt: skip


def main() -> None:
    """Write, and say so."""
    directory, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    memory = SuccessMemory(directory, MemoryConfig(index="exact", embedding="hash"))
    for number in range(count):
        memory.remember(experience(name, number))
        print(f"{name}/0/{number}", flush=True)
    memory.close()


def checks(root: Path) -> list[Check]:
    """Writers side by side; the first is killed with -9 in mid-writing."""
    acknowledged, codes = write_together(root / "memory")
    store = Store(root / "memory")
    kept = {item.key: item for item in store.select()}
    numbered = [change.seq for change in store.changes(0, 10 * PROCESSES * EACH)]
    store.close()
    lost = sorted(acknowledged - set(kept))
    torn = sum(item != experience(item.run, int(item.key.split("/")[2])) for item in kept.values())
    note = f"{len(acknowledged)} acknowledged by {PROCESSES} processes, one killed with -9; exit codes {codes}"
    return [
        at_most(3, "acknowledged experiences lost by concurrent writers", len(lost), 0, note, lost=lost),
        at_most(3, "experiences damaged by concurrent writers", torn, 0, f"of {len(kept)} kept"),
        at_most(3, "change numbers given twice or skipped", len(set(numbered) ^ set(range(1, len(kept) + 1))), 0, f"of {len(numbered)}"),
        at_most(3, "writers that failed", sum(code not in (0, -signal.SIGKILL) for code in codes), 0, f"of {PROCESSES}"),
    ]  # fmt: skip


def write_together(directory: Path) -> tuple[set[str], list[int]]:
    """Keys acknowledged by all writers, and their exit codes."""
    SuccessMemory(directory, MemoryConfig(index="exact", embedding="hash")).close()
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.behaviours.writers", str(directory), f"run{n}", str(100 * EACH if n == 0 else EACH)],
            cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    heard: list[list[str]] = [[] for _ in writers]
    threads = [threading.Thread(target=_listen, args=(writer, heard[n], n == 0)) for n, writer in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {key for keys in heard for key in keys}, [writer.wait() for writer in writers]


def _listen(writer: "subprocess.Popen[str]", heard: list[str], kill: bool) -> None:
    assert writer.stdout is not None
    for line in writer.stdout:
        if line.endswith("\n"):  # a line that the kill has cut was not heard
            heard.append(line.strip())
        if kill and len(heard) == KILL_AFTER:
            writer.kill()
    writer.stdout.close()


if __name__ == "__main__":
    main()
