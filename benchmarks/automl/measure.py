"""Runs one command and measures it: wall time, CPU time and peak memory of its whole process tree, orphans included.

    python measure.py REPORT.json CORES TIMEOUT -- COMMAND ...

The command runs on the cores given (comma-separated numbers), in a session of its own. This process adopts orphans (Linux's child
subreaper), so that a service that a system leaves behind is measured, and ended after it.

*Memory* is the largest sum, over samples every 0.25 s, of the proportional set size (PSS) of all processes of the tree: memory that
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

PERIOD = 0.25
"""Seconds between samples of memory."""
GRACE = 5.0
"""Seconds between the polite and the hard end of what is left."""
PR_SET_CHILD_SUBREAPER = 36


def tree_memory(processes: list[psutil.Process]) -> int:
    """Bytes of proportional set size of all of them; resident set size where the kernel does not tell."""
    total = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in lines.splitlines() if line.startswith("Pss:")) * 1024
        except (OSError, StopIteration):
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
    return total


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
    peak, samples, late = 0, 0, False
    while child.poll() is None:
        peak = max(peak, tree_memory(me.children(recursive=True)))
        samples += 1
        if time.monotonic() - began > timeout:
            late = True
            break
        time.sleep(PERIOD)
    wall = time.monotonic() - began
    end(me)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "exit_code": None if late else child.returncode, "timed_out": late, "wall_seconds": round(wall, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2), "peak_memory_mb": round(peak / 2**20, 1), "samples": samples,
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
