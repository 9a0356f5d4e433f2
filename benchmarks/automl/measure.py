"""Runs one command and measures it: wall time, CPU time and peak memory of its whole process tree, orphans included.

    python measure.py REPORT.json CORES TIMEOUT -- COMMAND ...

The command runs on the cores given (comma-separated numbers), in a session of its own. This process adopts orphans (Linux's child
subreaper), so that a service that a system leaves behind is measured, and ended after it.

*Memory* is the largest sum, over samples every 0.5 s, of the proportional set size (PSS) of all processes of the tree: memory that
forked processes share counts once. A shorter peak between samples is missed. *CPU* is what the kernel accounts to all ended descendants.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

PERIOD = 0.5
"""Seconds between samples of memory."""
GRACE = 5.0
"""Seconds between the polite and the hard end of what is left."""
LARGEST = 5
"""Processes that are named at the peak."""
PR_SET_CHILD_SUBREAPER = 36


def memory(process: psutil.Process) -> tuple[int, int]:
    """(PSS, RSS) in bytes; the resident set size counts for both where the kernel does not tell, 0 for an ended process."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss:", "Rss:"))}
        return sizes["Pss"], sizes["Rss"]
    except (OSError, KeyError):
        try:
            resident = int(process.memory_info().rss)
            return resident, resident
        except psutil.Error:
            return 0, 0


def command_of(process: psutil.Process) -> str:
    """A short name for a person."""
    try:
        return " ".join(Path(part).name for part in process.cmdline()[:4])[:60]
    except psutil.Error:
        return "?"


FEW_SAMPLES = 2


class Memory:
    """The peak of a process tree."""

    def __init__(self) -> None:
        self.pss = self.rss = self.samples = 0
        self.largest: list[tuple[str, int]] = []

    def sample(self, processes: list[psutil.Process]) -> None:
        """Take one sample."""
        sizes = [(process, *memory(process)) for process in processes]
        total = sum(pss for _, pss, _ in sizes)
        self.rss = max(self.rss, sum(rss for _, _, rss in sizes))
        self.samples += 1
        if total > self.pss:
            self.pss = total
            self.largest = [(command_of(p), pss >> 20) for p, pss, _ in sorted(sizes, key=lambda size: -size[1])[:LARGEST]]


def end(me: psutil.Process) -> None:
    """End what is left of the tree, and reap it."""
    for name in ("terminate", "kill"):
        left = me.children(recursive=True)
        for process in left:
            try:
                getattr(process, name)()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=GRACE)
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def measure(command: list[str], cores: set[int], timeout: float, log: Any) -> dict[str, Any]:
    """Run to the end or the timeout; seconds and bytes."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    me = psutil.Process()
    began = time.monotonic()
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    signal.signal(signal.SIGTERM, lambda *_: (end(me), sys.exit(143)))
    peak, late = Memory(), False
    while child.poll() is None:
        peak.sample(me.children(recursive=True))
        if time.monotonic() - began > timeout:
            late = True
            break
        time.sleep(PERIOD)
    wall = time.monotonic() - began
    end(me)
    usage, own = (resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    if peak.samples <= FEW_SAMPLES:  # over before it was seen at work: the largest process is what the kernel remembers
        peak.pss = peak.rss = max(peak.pss, usage.ru_maxrss << 10)
    return {
        "exit_code": None if late else child.returncode, "timed_out": late, "wall_seconds": round(wall, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2), "peak_memory_mb": peak.pss >> 20, "peak_rss_mb": peak.rss >> 20,
        "at_peak": peak.largest, "samples": peak.samples, "measuring_seconds": round(own.ru_utime + own.ru_stime, 2),
    }  # fmt: skip


def main() -> None:
    """Write the report; the command's own output goes beside it."""
    report, cores, timeout, dashes, *command = sys.argv[1:]
    assert dashes == "--"
    with Path(report).with_suffix(".log").open("wb") as log:
        value = measure(command, {int(core) for core in cores.split(",")}, float(timeout), log)
    Path(report).write_text(json.dumps(value))


if __name__ == "__main__":
    main()
