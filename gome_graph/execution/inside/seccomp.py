"""The system calls a solution script has no business with, as a seccomp filter (classic BPF).

Written out here because it must work from a bare interpreter on a bare machine: ``pyseccomp`` needs the system library libseccomp, which
pip cannot bring, and starts a compiler to look for it. Numbers are from the kernel's ``syscall_64.tbl`` (x86_64) and
``asm-generic/unistd.h`` (aarch64); ``tests/execution/test_seccomp.py`` compares them with libseccomp where that is present.
"""

import errno
import os
import struct

# name: (x86_64, aarch64); None where the architecture has no such call.
KERNEL_CALLS: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "kexec_load": (246, 104), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "sethostname": (170, 161), "setdomainname": (171, 162), "syslog": (103, 116),
    "iopl": (172, None), "ioperm": (173, None), "vhangup": (153, 58),
}  # fmt: skip
"""Refused with EPERM in every contained mechanism."""

SOCKET_CALLS: dict[str, tuple[int | None, int | None]] = {"socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201)}
"""Refused as well where the script shares the host's network or its socket files. ``socketpair`` stays: it leads nowhere."""

ATTRIBUTE_CALLS: dict[str, tuple[int | None, int | None]] = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None), "fchown": (93, 55),
    "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88),
}  # fmt: skip
"""Answered with success and not done, where a script shares the user's uid and mounts: Landlock does not govern them, and it could take
permissions from any file of the user. Refusing them would break an honest ``shutil.copy``."""

_CLONE = (56, 220)
_CLONE3 = (435, 435)
_PRLIMIT = (302, 261)
_NEW_NAMESPACES = 0x7E020080  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}
_X32_BIT = 0x40000000
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_LOAD, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARG0 = 0, 4, 16  # offsets in struct seccomp_data
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def _op(code: int, k: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", code, true, false, k)


def _refuse(error: int) -> bytes:
    return _op(_RETURN, 0x00050000 | error)


def build_filter(*, sockets: bool, attributes: bool = False, machine: str | None = None) -> bytes | None:
    """The filter as an array of ``struct sock_filter``; None on an architecture it is not written for.

    Parameters
    ----------
    sockets
        Refuse sockets too (True where no network namespace keeps them away).
    attributes
        Ignore changes of mode, owner, times and extended attributes.
    machine
        ``x86_64`` or ``aarch64``; this machine's by default.
    """
    machine = machine or os.uname().machine
    if machine not in _AUDIT_ARCH:
        return None
    column = 0 if machine == "x86_64" else 1
    calls = KERNEL_CALLS | (SOCKET_CALLS if sockets else {})
    program = [_op(_LOAD, _ARCH), _op(_JUMP_EQ, _AUDIT_ARCH[machine], 1, 0), _op(_RETURN, _KILL_PROCESS), _op(_LOAD, _NR)]
    if machine == "x86_64":  # the x32 numbers would walk round the list
        program += [_op(_JUMP_GE, _X32_BIT, 0, 1), _refuse(errno.ENOSYS)]
    for numbers in calls.values():
        number = numbers[column]
        if number is not None:
            program += [_op(_JUMP_EQ, number, 0, 1), _refuse(errno.EPERM)]
    for numbers in ATTRIBUTE_CALLS.values() if attributes else ():
        number = numbers[column]
        if number is not None:
            program += [_op(_JUMP_EQ, number, 0, 1), _refuse(0)]
    # clone3 hides its flags behind a pointer: "not there" makes libc fall back to clone, whose flags can be seen.
    program += [_op(_JUMP_EQ, _CLONE3[column], 0, 1), _refuse(errno.ENOSYS)]
    clone = [_op(_JUMP_EQ, _CLONE[column], 0, 4), _op(_LOAD, _ARG0), _op(_JUMP_SET, _NEW_NAMESPACES, 0, 1), _refuse(errno.EPERM)]
    program += [*clone, _op(_RETURN, _ALLOW)]
    # prlimit of another process could choke the orchestrator where both have one uid.
    program += [_op(_JUMP_EQ, _PRLIMIT[column], 0, 3), _op(_LOAD, _ARG0), _op(_JUMP_EQ, 0, 1, 0), _refuse(errno.EPERM)]
    program += [_op(_RETURN, _ALLOW)]
    return b"".join(program)
