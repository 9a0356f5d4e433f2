"""Start one script behind the walls named in a plan, and stay as its keeper.

The plan's ``keeper`` says what this process is to be: ``given``, the first process of a namespace that bubblewrap has made;
``namespaces``, the maker of such namespaces; ``subreaper``, an ordinary process to which all orphans of the script come. However the script
ends, nothing it started outlives the keeper.

The plan's ``ready`` names a file descriptor. The keeper writes lines to it: ``ready SECONDS`` just before the script starts (CPU time spent
up to then), ``failed REASON`` if a wall that the plan demands cannot be put up, ``peak BYTES`` (largest resident set of one process) at
the end. The script never gets hold of it.
"""

# Importing pathlib would cost each run ten milliseconds.
# ruff: noqa: PTH112, PTH123, PTH208

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time

import kernel  # type: ignore[import-not-found]
import seccomp  # type: ignore[import-not-found]

TYPE_CHECKING = False  # importing typing would cost each run five milliseconds
if TYPE_CHECKING:
    from typing import Any, NoReturn

DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
FAILED = 97
"""Exit status of a keeper that could not put up a wall."""


def tell(plan: dict[str, Any], text: str) -> None:
    """One line to the orchestrator."""
    with contextlib.suppress(OSError):
        os.write(plan["ready"], f"{text}\n".encode())


def become(plan: dict[str, Any]) -> NoReturn:
    """Turn this process into the script."""
    try:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        os.set_inheritable(plan["ready"], False)
        os.umask(0o022)
        restrict(plan)
        os.chdir(plan["cwd"])
        tell(plan, f"ready {plan['spent'] + time.process_time():.4f}")
        os.execve(plan["argv"][0], plan["argv"], plan["env"])  # noqa: S606 - that is what we are here for
    except OSError as error:
        tell(plan, f"failed {error}")
        os._exit(FAILED)


def restrict(plan: dict[str, Any]) -> None:
    """Limits, then privileges, then files, then system calls: each step needs what the next takes away."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # if memory runs out all the same, the kernel takes the script first
    if plan["nice"]:
        os.nice(plan["nice"])
    for name, value in plan["rlimits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        top = value + 2 if name == "RLIMIT_CPU" and hard == resource.RLIM_INFINITY else value  # SIGXCPU first, SIGKILL two seconds later
        resource.setrlimit(number, (value, top))
    if plan["uid"] is not None:
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        kernel.prctl(kernel.PR_SET_KEEPCAPS, 1)
        with contextlib.suppress(OSError):  # or access(2) would leave out the capability kept below, and call our own folders closed
            kernel.prctl(kernel.PR_SET_SECUREBITS, kernel.SECBIT_NO_SETUID_FIXUP)
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
        # Input may be readable by its owner alone. What can be read is decided by the mounts or by Landlock, not by this capability.
        try:
            kernel.set_capabilities(kernel.CAP_DAC_READ_SEARCH)
        except OSError:  # a container's root may not have it to keep
            kernel.set_capabilities()
    elif plan["drop_capabilities"]:
        kernel.set_capabilities()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of uid, which clears it
    if plan["landlock"] is None and plan["seccomp"] is None:
        return
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if plan["landlock"] is not None:
        rules = plan["landlock"]
        kernel.restrict_files(rules["read"], rules["write"], DEVICES)
    if plan["seccomp"] is not None:
        program = seccomp.build_filter(**plan["seccomp"])
        if program is None:
            raise OSError("no seccomp filter for this kind of processor")
        kernel.load_seccomp(program)


def keep(plan: dict[str, Any]) -> NoReturn:
    """Run the script as a child; end with its status; leave nothing of it behind."""
    subreaper = plan["keeper"] == "subreaper"
    try:
        if plan["keeper"] != "given":  # bubblewrap has its own --die-with-parent
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM if subreaper else signal.SIGKILL)
            if os.getppid() != plan["parent"]:
                os._exit(FAILED)  # the orchestrator died before the line above
        if plan["keeper"] == "namespaces":
            enter_namespaces(user=plan["uid"] is None)
            first = os.fork()
            if first:
                os.close(plan["ready"])
                os._exit(wait_for(first))
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            dress_namespaces(plan)
        elif subreaper:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # our descriptors and memory are none of the script's business
        plan["spent"] = time.process_time()
        script = os.fork()
    except OSError as error:
        tell(plan, f"failed {error}")
        os._exit(FAILED)
    if script == 0:
        become(plan)

    def give_up(_signal: int, _frame: object) -> NoReturn:
        finish(plan, 128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, give_up)
    finish(plan, wait_for(script))


def finish(plan: dict[str, Any], status: int) -> NoReturn:
    """Kill what is left, report, end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sweep(plan["uid"])
    tell(plan, f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10}")
    os._exit(status)


def wait_for(child: int) -> int:
    """Reap until `child` ends; its exit status, 128 + number for a signal."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def enter_namespaces(*, user: bool) -> None:
    """Fresh mount, process, network, IPC and host-name namespaces; with `user`, in a user namespace that keeps the uid."""
    uid, gid = os.getuid(), os.getgid()
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    kernel.unshare(flags | (kernel.CLONE_NEWUSER if user else 0))
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)


def dress_namespaces(plan: dict[str, Any]) -> None:
    """Everything but the workspace read-only; a /proc that shows only the namespace; a /dev/shm of its own."""
    quiet = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount(plan["cwd"], plan["cwd"], None, kernel.MS_BIND | kernel.MS_REC)
    kernel.set_read_only("/", True)  # beneath Landlock, which governs neither modes nor owners
    kernel.set_read_only(plan["cwd"], False)
    kernel.mount("proc", "/proc", "proc", quiet | kernel.MS_NOEXEC)
    if os.path.isdir("/dev/shm"):  # noqa: S108
        kernel.mount("tmpfs", "/dev/shm", "tmpfs", quiet, f"size={plan['shm_bytes']},mode=1777")  # noqa: S108


def sweep(uid: int | None) -> None:
    """Kill and reap every descendant; orphans come to us, their subreaper or the first process of their namespace."""
    if os.getpid() == 1:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)  # everybody else in the namespace, in one stroke
    elif uid is not None:
        killer = os.fork()
        if killer == 0:  # kill(-1) as the script's own uid takes all its processes in one stroke: a fork bomb cannot outrun it
            os.setresuid(uid, uid, uid)
            with contextlib.suppress(OSError):
                os.kill(-1, signal.SIGKILL)
            os._exit(0)
    stopped: set[int] = set()
    for _ in range(100):  # hold all still before killing any, or a fork bomb would grow back as fast as it is cut
        fresh = [pid for pid in descendants(os.getpid()) if pid not in stopped]
        for pid in fresh:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        stopped.update(fresh)
        if not fresh:
            break
    for _ in range(1000):
        for pid in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def descendants(root: int) -> list[int]:
    """Process ids below `root`."""
    found, todo = [], [root]
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as file:
                    children = [int(pid) for pid in file.read().split()]
                found += children
                todo += children
    return found
