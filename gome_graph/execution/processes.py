"""A process tree, looked at from outside through /proc: cheap enough to do several times a second."""

# Called several times a second for hours: os.read is several times cheaper than open, and that than pathlib.
# ruff: noqa: PTH208

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class TreeSample:
    """One look at a tree. Keepers (the processes that build the walls) are not counted."""

    pids: list[int]
    """The script's processes."""
    tasks: int
    """Processes and threads."""
    resident_bytes: int
    """Resident sets summed; counts pages that processes share more than once."""
    cpu_seconds: float
    """User and system time of the living, and of the dead they have waited for."""


def _read(path: str) -> bytes:
    """A file of /proc. Long ones come a page at a time."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.read(handle, 1 << 16)
        while part := os.read(handle, 1 << 16):
            text += part
        return text
    finally:
        os.close(handle)


def children(pid: int) -> list[int]:
    """Children of all threads of a process; empty if it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{task}/children").split())
    return found


def sample_tree(root: int, keepers: int, limit: int = 5000) -> TreeSample:
    """Look at everything below `root`.

    Parameters
    ----------
    root
        The process the orchestrator started.
    keepers
        Levels at the top, `root` included, that are not the script's.
    limit
        Stop after so many processes: the tree is then too large anyway.
    """
    level, pids = [root], list[int]()
    depth = 0
    while level and len(pids) < limit:
        if depth >= keepers:
            pids += level
        level = [child for pid in level for child in children(pid)]
        depth += 1
    tasks = resident = ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            if fields[0] == b"Z":
                continue
            ticks += sum(map(int, fields[11:15]))
            tasks += int(fields[17])
            resident += int(fields[21])
    return TreeSample(pids, tasks, resident * _PAGE, ticks / _TICKS)


def proportional_bytes(pids: list[int]) -> int | None:
    """Memory of several processes with shared pages counted once (PSS), or None where the kernel does not say."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) << 10
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        except (OSError, ValueError):
            return None
    return total


def peak_resident_bytes(pid: int) -> int:
    """Largest resident set one process has had so far; 0 if it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_read(f"/proc/{pid}/status").partition(b"VmHWM:")[2].split(maxsplit=1)[0]) << 10
    return 0


def send(pids: list[int], number: signal.Signals) -> None:
    """Signal processes that may be gone already."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def user_tasks() -> int:
    """Threads of this user on the whole machine: what RLIMIT_NPROC counts where scripts share the user's uid."""
    total = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == os.geteuid():
                    total += len(os.listdir(f"/proc/{entry.name}/task"))
    return total
