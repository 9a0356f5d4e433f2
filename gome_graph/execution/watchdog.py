"""One running script: read what it prints, measure its tree, and end it when a limit is reached."""

import contextlib
import fcntl
import math
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from gome_graph.execution.logs import CappedLog
from gome_graph.execution.processes import TreeSample, children, peak_resident_bytes, proportional_bytes, sample_tree, send
from gome_graph.execution.workspace import measure
from gome_graph.records import Bytes, Limits, Outcome, Seconds

FIRST_LOOK, LONGEST_PAUSE, NEAR_PAUSE = 0.05, 1.0, 0.2
"""Seconds between two looks at the tree: soon at first, then once a second, or five times where half of the memory is used."""
SLOWER = 1.6
"""How much longer each pause is than the one before, until the longest."""
DISK_PAUSE = 1.0
"""Seconds between two looks at the workspace's size."""
EXACT_PAUSE = 50
"""An exact count of shared memory walks page tables; it may take one part in so many of our time."""
PIPE_BYTES = 1 << 20
READ_PAUSE = 0.01
"""Seconds to wait after a read: a flood is taken in large pieces and held up, not answered with all our CPU time."""
FLOOD_FACTOR = 64
"""A script that prints this many times what is kept is flooding: 64 MB at the default."""


@dataclass(frozen=True)
class Ending:
    """Why a script was ended from outside."""

    outcome: Outcome
    detail: str
    at_once: bool = False
    """No grace: each moment makes it worse."""


@dataclass
class Watched:
    """What was measured of one script."""

    ending: Ending | None = None
    """None if it ended by itself."""
    exit_code: int | None = None
    """Negative for a signal."""
    wall_seconds: Seconds = 0.0
    cpu_seconds: Seconds = 0.0
    peak_memory_bytes: Bytes = 0
    message: str = ""
    """What the launcher reported."""
    survivors: int = 0
    """Processes that could not be killed."""
    stdout: CappedLog = field(default_factory=lambda: CappedLog(0))
    stderr: CappedLog = field(default_factory=lambda: CappedLog(0))


class Watchdog:
    """Watches one process that has just been started.

    Parameters
    ----------
    process
        Started with pipes for stdout and stderr, in a session of its own.
    keepers
        Levels at the top of its tree that are not the script's.
    own_namespace
        Whether the lowest keeper is the first process of a namespace, whose end is the end of all.
    report
        Read end of the launcher's pipe.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        keepers: int,
        own_namespace: bool,
        limits: Limits,
        memory: Bytes,
        grace: Seconds,
        report: int,
    ) -> None:
        self._process = process
        self._keepers = keepers
        self._own_namespace = own_namespace
        self._limits = limits
        self._memory = memory
        self._grace = grace
        self._report = report
        self._started = time.monotonic()
        self._result = Watched(stdout=CappedLog(limits.log_bytes), stderr=CappedLog(limits.log_bytes))
        self._selector = selectors.DefaultSelector()
        self._next_look = self._started + FIRST_LOOK
        self._pause = FIRST_LOOK
        self._next_disk = self._started + DISK_PAUSE
        self._next_exact = self._started
        self._shared: Bytes = 0

    def watch(self, workspace: Path, stopped: Callable[[], bool]) -> Watched:
        """Stay until the script and everything it started is gone; `stopped` is asked at every look."""
        process, result = self._process, self._result
        pidfd = os.pidfd_open(process.pid)
        try:
            self._selector.register(pidfd, selectors.EVENT_READ)
            self._attach(process.stdout, result.stdout)
            self._attach(process.stderr, result.stderr)
            deadline = self._started + self._limits.wall_seconds
            while not self._wait(pidfd, deadline):
                if time.monotonic() >= deadline:
                    result.ending = Ending(Outcome.TIMED_OUT, f"Killed after its time limit of {self._limits.wall_seconds:g} s.")
                elif time.monotonic() >= self._next_look:
                    result.ending = self._look(workspace, stopped)
                elif max(result.stdout.total, result.stderr.total) > FLOOD_FACTOR * max(self._limits.log_bytes, 1 << 16):
                    result.ending = Ending(Outcome.LIMIT, "Killed: it flooded its log.")
                if result.ending is not None:
                    self._kill(pidfd)
                    break
        except BaseException:
            self._kill(pidfd)
            raise
        finally:
            self._reap()
            self._drain()
            self._selector.close()
            os.close(pidfd)
        return result

    def _attach(self, stream: IO[bytes] | None, log: CappedLog) -> None:
        if stream is None:
            return
        os.set_blocking(stream.fileno(), False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._selector.register(stream, selectors.EVENT_READ, log)

    def _wait(self, pidfd: int, deadline: float) -> bool:
        """Sleep until something happens or is due; take in output. True if the process has ended."""
        timeout = max(0.0, min(self._next_look, deadline) - time.monotonic())
        ended = False
        for key, _ in self._selector.select(timeout):
            if key.fd == pidfd:
                ended = True
            elif self._read(key) and not ended:
                time.sleep(READ_PAUSE)
        return ended

    def _read(self, key: selectors.SelectorKey) -> bool:
        try:
            chunk = os.read(key.fd, PIPE_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._selector.unregister(key.fileobj)
            return False
        log: CappedLog = key.data
        log.write(chunk)
        return True

    def _look(self, workspace: Path, stopped: Callable[[], bool]) -> Ending | None:
        """Measure; say whether and why to end the script."""
        now = time.monotonic()
        near = self._result.peak_memory_bytes > self._memory / 2
        self._pause = min(self._pause * SLOWER, NEAR_PAUSE if near else LONGEST_PAUSE)
        self._next_look = now + self._pause
        if stopped():
            return Ending(Outcome.STOPPED, "Stopped on request.")
        limits = self._limits
        tree = sample_tree(self._process.pid, self._keepers)
        self._result.cpu_seconds = max(self._result.cpu_seconds, tree.cpu_seconds)
        if limits.processes and tree.tasks > limits.processes:
            detail = f"Killed: {tree.tasks} processes and threads, more than the limit of {limits.processes}."
            return Ending(Outcome.LIMIT, detail, at_once=True)
        used = self._memory_of(tree)
        self._result.peak_memory_bytes = max(self._result.peak_memory_bytes, used)
        if used > self._memory:
            return Ending(Outcome.OUT_OF_MEMORY, f"Killed: it used {used >> 20:,} MB, more than its limit of {self._memory >> 20:,} MB.")
        if now >= self._next_disk:
            usage = measure(workspace)
            self._next_disk = time.monotonic() + max(DISK_PAUSE, 50 * (time.monotonic() - now))
            if usage.excessive:
                return Ending(Outcome.LIMIT, f"Killed: it wrote more than {usage.entries - 1:,} files.")
            if limits.workspace_bytes and usage.size > limits.workspace_bytes:
                return Ending(
                    Outcome.LIMIT, f"Killed: its workspace holds {usage.size >> 20:,} MB, more than {limits.workspace_bytes >> 20:,} MB."
                )
        return None

    def _memory_of(self, tree: TreeSample) -> Bytes:
        """Resident memory of the tree. The exact count, slower, only where several processes share pages and it could matter."""
        if len(tree.pids) <= 1:
            return max([tree.resident_bytes, *map(peak_resident_bytes, tree.pids)])
        if tree.resident_bytes <= min(self._memory, max(self._result.peak_memory_bytes, 64 << 20)):
            return tree.resident_bytes
        now = time.monotonic()
        if now >= self._next_exact:
            exact = proportional_bytes(tree.pids)
            self._shared = 0 if exact is None else max(0, tree.resident_bytes - exact)
            self._next_exact = now + EXACT_PAUSE * (time.monotonic() - now)
        return max(0, tree.resident_bytes - self._shared)

    def _kill(self, pidfd: int) -> None:
        """SIGTERM to the script's processes, a short grace, then SIGKILL to whatever holds them together."""
        root, ending = self._process.pid, self._result.ending
        if ending is None or not ending.at_once:
            send(sample_tree(root, self._keepers).pids, signal.SIGTERM)
            if self._ended(pidfd, self._grace):
                return
        keeper = children(root) if self._own_namespace else [root]
        send(keeper, signal.SIGTERM)  # it sweeps, and reports
        if self._ended(pidfd, 2.0):
            return
        if self._own_namespace:
            send(keeper, signal.SIGKILL)  # first process of the namespace: the kernel ends all the others with it
            if self._ended(pidfd, 3.0):
                return
        pids = sample_tree(root, 0).pids
        send(pids, signal.SIGKILL)
        self._ended(pidfd, 3.0)
        self._result.survivors = sum(Path(f"/proc/{pid}").exists() for pid in pids if pid != root)

    def _ended(self, pidfd: int, patience: Seconds) -> bool:
        """Wait for the end, letting output flow so that nobody hangs on a full pipe."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for key, _ in self._selector.select(max(0.0, min(0.05, deadline - time.monotonic()))):
                if key.fd == pidfd:
                    return True
                self._read(key)
        return False

    def _reap(self) -> None:
        """Take exit status and resource use; both count everything the keepers have waited for."""
        result, process = self._result, self._process
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except ChildProcessError:
            return
        process.returncode = code = os.waitstatus_to_exitcode(status)
        result.wall_seconds = time.monotonic() - self._started
        if 128 < code < 128 + signal.NSIG and code - 128 in _DEADLY:
            code = 128 - code
        result.exit_code = code
        with contextlib.suppress(OSError):
            result.message = os.read(self._report, 4096).decode(errors="replace")
        # The time of wait4 counts the keepers too; what they had used when the script began is taken off again. Its ru_maxrss is no use:
        # the child shares the orchestrator's memory until it executes, so the keeper reports the peak itself.
        spent = usage.ru_utime + usage.ru_stime - _reported(result.message, "ready")
        result.cpu_seconds = max(result.cpu_seconds, spent, 0.0)
        result.peak_memory_bytes = max(result.peak_memory_bytes, int(_reported(result.message, "peak")))

    def _drain(self) -> None:
        """What is still in the pipes, without waiting for anybody who may hold them open."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, CappedLog):
                for _ in range(16):
                    if not self._read(key):
                        break
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


_DEADLY = {
    signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGXCPU,
    signal.SIGXFSZ, signal.SIGSYS, signal.SIGTRAP,
}  # fmt: skip
"""Signals behind which an exit status of 128 + number is taken to stand."""


def _reported(message: str, word: str) -> float:
    """The number after `word` in the launcher's report; 0 if there is none."""
    for line in message.splitlines():
        key, _, value = line.partition(" ")
        with contextlib.suppress(ValueError):
            if key == word and math.isfinite(float(value)):
                return float(value)
    return 0.0
