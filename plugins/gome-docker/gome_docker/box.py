"""What a script's container may and may not: every wall on one page."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from docker.types import DeviceRequest, LogConfig, Mount

from gome_docker.settings import DockerSettings, Libraries
from gome_graph.execution.toolkit import ETC, SYSTEM, interpreter_paths, kernel_limits, machine_memory, script_environment
from gome_graph.records import Bytes, ScriptJob

WORK = "/gome/work"
INSIDE = "/gome/inside/inside.py"
LABEL = "gome.executor"
OWNER = "gome.owner"
KEEPER_BYTES = 48 << 20
"""Memory of process 1, which the container's limit counts with the script's."""
PIDS_HEADROOM = 8
"""Process 1 and what a container runtime starts beside it; the limit itself is the script's."""


@dataclass(frozen=True)
class Box:
    """One container to be."""

    job: ScriptJob
    image: str
    uid: int
    word: str
    """Known to process 1 and to us alone; see inside.py."""

    def options(self, settings: DockerSettings) -> dict[str, Any]:
        """Arguments of ``containers.create``."""
        job, limits = self.job, self.job.limits
        memory = memory_of(job, settings)
        rlimits = kernel_limits(limits, memory, 0)
        if self.uid == os.geteuid():
            rlimits.pop("RLIMIT_NPROC", None)  # it would count all this user's processes on the machine; the container's own is below
        return {
            "image": self.image,
            "command": [python(settings), "-I", "-S", INSIDE],
            "entrypoint": [],
            "environment": {"GOME_PLAN": json.dumps(self._plan(settings, rlimits))},
            "working_dir": WORK,
            "user": f"{self.uid}:{self.uid}",
            "labels": {LABEL: "docker", OWNER: owner()},
            # the walls
            "network_mode": "none",
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "privileged": False,
            "ipc_mode": "private",
            "mounts": self._mounts(settings),
            "tmpfs": {"/tmp": f"rw,nosuid,nodev,mode=1777,size={settings.scratch_bytes}"},  # noqa: S108 - the container's own
            "shm_size": settings.scratch_bytes,
            "mem_limit": memory + KEEPER_BYTES,
            "memswap_limit": memory + KEEPER_BYTES,
            "pids_limit": (limits.processes or 4096) + PIDS_HEADROOM,
            "nano_cpus": int(min(job.cpus, os.cpu_count() or 1) * 1e9),
            "device_requests": [DeviceRequest(count=settings.gpus, capabilities=[["gpu"]])] if settings.gpus else None,
            # its output comes to us and is kept nowhere else; when we are gone its stdin ends, and process 1 ends it
            "log_config": LogConfig(type="none"),
            "stdin_open": True,
            "detach": False,
            "tty": False,
        }

    def _plan(self, settings: DockerSettings, rlimits: dict[str, int]) -> dict[str, Any]:
        environment = script_environment(self.job, "/tmp")  # noqa: S108 - the container's own
        if settings.libraries is Libraries.IMAGE:
            environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        return {
            "argv": [python(settings), "solution.py"], "env": environment, "rlimits": rlimits, "word": self.word,
            "grace": settings.grace_seconds,
        }  # fmt: skip

    def _mounts(self, settings: DockerSettings) -> list[Mount]:
        mounts = [
            Mount(WORK, str(self.job.workspace), type="bind"),
            Mount(f"{WORK}/input", str(self.job.input_dir), type="bind", read_only=True),
        ]
        paths = [path.resolve() for path in settings.readable]
        if settings.libraries is Libraries.HOST:
            system = [Path(path) for path in (*SYSTEM, *(f"/etc/{name}" for name in ETC))]
            paths += [path for path in system if path.exists() and not path.is_symlink()]
            paths += interpreter_paths()
        return mounts + [Mount(str(path), str(path), type="bind", read_only=True) for path in dict.fromkeys(paths)]


def python(settings: DockerSettings) -> str:
    """The interpreter, as the container knows it."""
    import sys

    return sys.executable if settings.libraries is Libraries.HOST else "/usr/local/bin/python"


def memory_of(job: ScriptJob, settings: DockerSettings) -> Bytes:
    """The cap for a script's whole process tree; never 0."""
    return job.limits.memory_bytes or settings.memory_bytes or machine_memory() * 3 // 4


def owner() -> str:
    """This process, told apart from a later one with the same number: machine, pid, time of its start."""
    return f"{_machine()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def is_alive(name: str) -> bool:
    """True if the process that made a container still lives, or cannot be told to be dead (another machine's)."""
    machine, pid, started = name.split(":") if name.count(":") == 2 else ("", "0", "0")
    if machine != _machine():
        return machine != ""
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == started
    except (psutil.NoSuchProcess, ValueError):
        return False


def _machine() -> str:
    """The boot: after one, every older process is gone."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
