"""Uids for scripts of an orchestrator that runs as root: one each, so that RLIMIT_NPROC binds and scripts are strangers to each other."""

import os
import threading
from pathlib import Path

_BASE = 0x60000000
"""Far above the uids of people, services and containers."""
_SLOTS = 256

_lock = threading.Lock()
_taken: set[int] = set()


def can_lend_uids() -> bool:
    """True if this process is root over the whole range of uids (not so in a container whose user namespace maps only some)."""
    if os.geteuid() != 0:
        return False
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return False
    return any(int(first) <= _BASE and int(first) + int(count) > _BASE + 0xFFFF * _SLOTS for first, _, count in map(str.split, lines))


def borrow_uid() -> int:
    """A uid nobody else has; give it back with `return_uid`."""
    base = _BASE + (os.getpid() & 0xFFFF) * _SLOTS
    with _lock:
        uid = next(base + slot for slot in range(_SLOTS) if base + slot not in _taken)
        _taken.add(uid)
    return uid


def return_uid(uid: int) -> None:
    """No process of it is left."""
    with _lock:
        _taken.discard(uid)
