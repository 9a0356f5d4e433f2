"""The few kernel calls Python has no function for. Each raises `OSError` if the kernel refuses.

Landlock is called directly because the ``landlock`` package (1.0.0.dev5) knows only file-system rights: neither TCP (ABI 4) nor the
scopes that keep signals and abstract sockets in (ABI 6). Numbers: ``include/uapi/linux/{landlock,prctl,capability,sched,mount}.h``.
"""

# Importing pathlib would cost each run ten milliseconds.
# ruff: noqa: PTH112

import contextlib
import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP = 28, 1 << 2
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CAP_DAC_READ_SEARCH = 2
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446

READ = 1 << 0 | 1 << 2 | 1 << 3
"""Landlock rights to execute, read files and list directories."""
_FILE_RIGHTS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15


def _check(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def prctl(option: int, *values: int) -> None:
    """``prctl(2)`` with integer arguments."""
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *padded), f"prctl {option}")


def unshare(flags: int) -> None:
    """Leave the given namespaces for fresh ones (``unshare(2)``)."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """``mount(2)``."""
    texts = [text.encode() if text is not None else None for text in (source, target, kind, data)]
    _check(_libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]), f"mount {target}")


def set_read_only(path: str, on: bool) -> None:
    """Make the mount at `path` and all below it read-only, or writable again (``mount_setattr(2)``, Linux 5.12)."""
    change = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY if on else 0, 0 if on else _MOUNT_ATTR_RDONLY, 0, 0)
    result = _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, change, ctypes.c_size_t(len(change)))
    _check(int(result), f"mount_setattr {path}")


def set_capabilities(*keep: int) -> None:
    """Give up every capability but `keep`, for good, in all sets (what the bounding set will not let go, ``no_new_privs`` makes moot)."""
    for number in range(64):
        with contextlib.suppress(OSError):
            if number not in keep:
                prctl(PR_CAPBSET_DROP, number)
    low = sum(1 << number for number in keep)
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    sets = struct.pack("IIIIII", low, low, low, 0, 0, 0)
    _check(_libc.capset(header, sets), "capset")
    for number in keep:
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number)


def load_seccomp(program: bytes) -> None:
    """Install a seccomp filter on this process and its children; ``no_new_privs`` must be set."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _check(_libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(header), 0, 0), "seccomp")


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE, None, 0, 1)))


def restrict_files(read: list[str], write: list[str], files: list[str]) -> None:
    """Let this process and its children read only `read`, write only `write` (directories) and use only `files` (devices).

    Where the kernel can, signals and abstract sockets stay inside too (ABI 6), and no TCP port can be bound or connected (ABI 4).
    ``no_new_privs`` must be set. Paths that do not exist are left out.
    """
    abi = landlock_abi()
    if not abi:
        raise OSError("this kernel has no Landlock")
    handled = (1 << 13) - 1
    handled |= (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0) | (_IOCTL_DEV if abi >= 5 else 0)
    attributes = struct.pack("QQQ", handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _check(int(_libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)), "landlock ruleset")
    try:
        everything = handled & ~_IOCTL_DEV
        for rights, paths in ((READ, read), (everything, write), (_FILE_RIGHTS, files)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        _check(int(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0)), "landlock restrict")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, handle)
        _check(int(_libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0)), f"landlock rule {path}")
    finally:
        os.close(handle)
