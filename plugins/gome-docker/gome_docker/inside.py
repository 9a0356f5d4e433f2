"""Process 1 of a script's container: starts the script, watches the container's memory, ends everything, reports.

Runs without site packages and imports nothing but the standard library. It tells what it measured in its very last line on stderr, behind a
word that only it and the orchestrator know: its environment is closed to the script (it is not dumpable), so the line cannot be forged.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import time
from typing import Any

LIBC = ctypes.CDLL(None)
PR_SET_DUMPABLE = 4
TICK = 0.2
OOM_FILES = (("/sys/fs/cgroup/memory.events", "oom_kill"), ("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill"))
USED_FILES = ("/sys/fs/cgroup/memory.stat", "/sys/fs/cgroup/memory/memory.stat")
"""Version 2 and version 1 of control groups."""


def main() -> None:
    plan = json.loads(os.environ.pop("GOME_PLAN"))
    LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    asked: list[str] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append("stopped"))
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    child = os.fork()
    if child == 0:
        start(plan, (wake, woken))
    started, status, why, peak, before = time.monotonic(), None, "", 0, oom_kills()
    while status is None:
        ready, _, _ = select.select([0, wake], [], [], TICK)
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready and not os.read(0, 4096):
            why = "the orchestrator is gone"
        status = reap(child)
        peak = max(peak, used())
        if oom_kills() > before:
            why = "oom"
        if status is None and (why or asked):
            status = end(child, plan["grace"] if why != "oom" else 0.0)
            break
    if oom_kills() > before:
        why = "oom"
    sweep()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = {
        "status": status, "why": why or (asked[0] if asked else ""), "wall": time.monotonic() - started,
        "cpu": spent.ru_utime + spent.ru_stime, "peak": max(peak, spent.ru_maxrss * 1024),
    }  # fmt: skip
    os.write(2, f"\n{plan['word']} {json.dumps(report)}\n".encode())


def start(plan: dict[str, Any], ours: tuple[int, int]) -> None:
    """In the child: limits, then the script."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.setsid()
        for descriptor in ours:
            os.close(descriptor)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        for name, value in plan["rlimits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # nobody else runs yet; without it this process may not write about itself
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # when memory runs out the script goes first, not the one who reports it
        os.execve(plan["argv"][0], plan["argv"], plan["env"])
    except BaseException as error:
        os.write(2, f"{plan['word']} failed {error}\n".encode())
    os._exit(127)


def reap(child: int) -> int | None:
    """Wait for whoever has ended; the status of the script once it is among them."""
    found: int | None = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = os.waitstatus_to_exitcode(status)


def end(child: int, grace: float) -> int:
    """SIGTERM, a grace, SIGKILL; the script's status."""
    status: int | None = None
    if grace:
        signal_all(signal.SIGTERM)
        until = time.monotonic() + grace
        while status is None and time.monotonic() < until:
            time.sleep(0.02)
            status = reap(child)
    signal_all(signal.SIGKILL)
    until = time.monotonic() + 5
    while status is None and time.monotonic() < until:
        time.sleep(0.01)
        status = reap(child)
    return -signal.SIGKILL if status is None else status


def sweep() -> None:
    """Nothing that the script left behind lives on."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        signal_all(signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return


def signal_all(number: int) -> None:
    """To every process of the container but this one."""
    with contextlib.suppress(OSError):
        os.kill(-1, number)


def oom_kills() -> int:
    """How often the kernel has killed for want of memory here."""
    for path, word in OOM_FILES:
        try:
            with open(path) as file:
                return sum(int(line.split()[1]) for line in file if line.split()[0] == word)
        except OSError:
            continue
    return 0


def used() -> int:
    """Memory in use, without what the kernel only caches."""
    for path in USED_FILES:
        try:
            with open(path) as file:
                facts = dict(line.split() for line in file)
            return int(facts.get("anon", facts.get("total_rss", 0))) + int(facts.get("shmem", facts.get("total_shmem", 0)))
        except (OSError, ValueError):
            continue
    return 0


if __name__ == "__main__":
    main()
