"""From a job to the command that starts it, for each mechanism."""

import compileall
import functools
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gome_graph.execution import bubblewrap, readable, workspace
from gome_graph.execution.limits import kernel_limits, memory_limit, script_environment
from gome_graph.execution.processes import user_tasks
from gome_graph.execution.settings import LocalSettings, Mechanism
from gome_graph.records import ScriptJob

INSIDE = Path(__file__).parent / "inside"


@dataclass(frozen=True)
class Way:
    """A mechanism together with whose rights the script has: what the self-check tries one after the other."""

    mechanism: Mechanism
    lends_uid: bool
    """The script gets a uid of its own (the orchestrator is root)."""

    @property
    def keepers(self) -> int:
        """Levels of the process tree above the script."""
        return 2 if self.mechanism in (Mechanism.BUBBLEWRAP, Mechanism.NAMESPACES) else 1

    @property
    def own_namespace(self) -> bool:
        """True if killing the lowest keeper kills everything below it."""
        return self.keepers == 2


@dataclass(frozen=True)
class Launch:
    """A command ready to start."""

    command: list[str]
    descriptors: tuple[int, ...]
    """To be inherited, and closed by the caller afterwards."""


def build(job: ScriptJob, way: Way, settings: LocalSettings, uid: int | None, ready: int) -> Launch:
    """The command that runs `job` in the given way.

    Parameters
    ----------
    job, way, settings
        What to run and how.
    uid
        The script's own uid if `way` lends one.
    ready
        Write end of the pipe on which the launcher reports.
    """
    _compile_inside()
    contained = way.mechanism is not Mechanism.NONE
    boxed = way.mechanism is Mechanism.BUBBLEWRAP
    place = Path(bubblewrap.WORKSPACE) if boxed else job.workspace
    scratch = "/tmp" if boxed else str(place / workspace.SCRATCH)  # noqa: S108 - a private one inside the sandbox
    environment = script_environment(job, scratch)
    if way.mechanism is Mechanism.LANDLOCK:
        environment["JOBLIB_MULTIPROCESSING"] = "0"  # without a /dev/shm of its own it could not anyway, and would warn each time
    base = readable.user_base()
    if base is not None:
        environment["PYTHONUSERBASE"] = base
    plan: dict[str, Any] = {
        "keeper": "given" if boxed else "namespaces" if way.mechanism is Mechanism.NAMESPACES else "subreaper",
        "parent": os.getpid(),
        "ready": ready,
        "argv": [sys.executable, workspace.SCRIPT],
        "cwd": str(place),
        "env": environment,
        "rlimits": kernel_limits(job.limits, memory_limit(job.limits, settings), _tasks_already(way)),
        "nice": settings.nice,
        "uid": uid,
        "drop_capabilities": contained,
        "shm_bytes": settings.scratch_bytes,
        "landlock": _landlock_rules(job, way, settings) if contained and not boxed else None,
        "seccomp": _system_calls(way, uid) if contained else None,
    }
    launcher = [sys.executable, "-I", "-S", f"{bubblewrap.INSIDE if boxed else INSIDE}/launcher.py", json.dumps(plan)]
    if not boxed:
        return Launch(launcher, (ready,))
    options = bubblewrap.options(job, settings, INSIDE, shares_user=way.lends_uid)
    handle = os.memfd_create("bwrap", 0)
    os.write(handle, b"".join(option.encode() + b"\0" for option in options))
    os.lseek(handle, 0, os.SEEK_SET)
    # The options travel by descriptor: process 1 of the sandbox would otherwise show the host's paths in its command line.
    return Launch([bubblewrap.program() or "bwrap", "--args", str(handle), "--", *launcher], (ready, handle))


@functools.cache
def _compile_inside() -> None:
    """Compile the keeper once: from within a sandbox its cache cannot be written, and each run would compile it again."""
    compileall.compile_dir(INSIDE, quiet=2)


def _tasks_already(way: Way) -> int:
    if way.lends_uid or way.mechanism in (Mechanism.BUBBLEWRAP, Mechanism.NAMESPACES) or os.geteuid() == 0:
        return 0  # counted by itself: a uid or a user namespace of its own; or root, for whom the limit does not bind at all
    return user_tasks()


def _system_calls(way: Way, uid: int | None) -> dict[str, bool]:
    """Which calls the filter takes away: sockets where those of the host can be seen, file attributes where nothing else protects them."""
    return {"sockets": way.mechanism is not Mechanism.BUBBLEWRAP, "attributes": way.mechanism is Mechanism.LANDLOCK and uid is None}


def _landlock_rules(job: ScriptJob, way: Way, settings: LocalSettings) -> dict[str, list[str]]:
    etc = [f"/etc/{name}" for name in readable.ETC]
    proc = ["/proc"] if way.own_namespace else ["/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm"]
    roots = [str(path) for path in (*readable.interpreter_paths(), *settings.readable, job.input_dir.resolve())]
    write = [str(job.workspace.resolve())]
    if way.own_namespace:
        write.append("/dev/shm")  # noqa: S108 - a fresh one in the script's own mount namespace
    return {"read": [*readable.SYSTEM, *etc, *proc, readable.SYS, readable.CGROUPS, *roots], "write": write}
