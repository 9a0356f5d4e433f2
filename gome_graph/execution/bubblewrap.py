"""The file system that ``bwrap`` builds for a script: the interpreter, the input and the workspace, and nothing else of the host."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

from gome_graph.execution import readable
from gome_graph.execution.settings import LocalSettings
from gome_graph.execution.workspace import INPUT, SCRIPT
from gome_graph.records import ScriptJob

WORKSPACE = "/workspace"
"""Where a script finds itself, on every machine and in every run."""
INSIDE = "/gome"
"""Where the launcher is bound."""


@functools.cache
def program() -> str | None:
    """Path of ``bwrap``, or None."""
    return shutil.which("bwrap")


@functools.cache
def version() -> tuple[int, ...]:
    """Version of the installed ``bwrap``; empty if it does not say."""
    found = program()
    if found is None:
        return ()
    try:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", answer)[:3])


def options(job: ScriptJob, settings: LocalSettings, inside: Path, *, shares_user: bool) -> list[str]:
    """Options of ``bwrap`` for one job, without the command.

    Parameters
    ----------
    job, settings
        What to run.
    inside
        Host folder of the launcher.
    shares_user
        Make no user namespace: root starts it and the launcher changes to a uid of its own, so that RLIMIT_NPROC binds.
    """
    chosen = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if shares_user:
        chosen += ["--cap-drop", "ALL"]
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_DAC_READ_SEARCH", "CAP_SETPCAP"):  # not for the script
            chosen += ["--cap-add", capability]
    else:
        chosen += ["--unshare-user", "--cap-drop", "ALL"]
    chosen += ["--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "gome", "--clearenv"]
    chosen += ["--proc", "/proc", "--dev", "/dev"]
    for path in ("/dev/shm", "/tmp"):  # noqa: S108 - private ones, made first: an environment may itself lie in /tmp
        chosen += ["--perms", "1777"] if version() >= (0, 5) else []
        chosen += ["--size", str(settings.scratch_bytes)] if version() >= (0, 8) else []
        chosen += ["--tmpfs", path]
    chosen += _shown(tuple(settings.readable), inside)
    workspace = str(job.workspace.resolve())
    chosen += ["--bind", workspace, WORKSPACE, "--ro-bind", f"{workspace}/{SCRIPT}", f"{WORKSPACE}/{SCRIPT}"]
    chosen += ["--ro-bind", str(job.input_dir.resolve()), f"{WORKSPACE}/{INPUT}"]
    return [*chosen, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORKSPACE]


@functools.lru_cache(maxsize=8)
def _shown(extra: tuple[Path, ...], inside: Path) -> tuple[str, ...]:
    """Options that show the host's programs and libraries, `extra` folders and the launcher: the same for every script of a process."""
    chosen: list[str] = []
    binds = [(path, path) for path in _system_folders()]
    binds += [(str(path), str(path)) for path in (*readable.interpreter_paths(), *extra)]
    binds += [(f"/etc/{name}", f"/etc/{name}") for name in readable.ETC] + [(readable.SYS, readable.SYS)]
    binds += [(str(inside), INSIDE)]
    binds = [(source, target) for source, target in binds if Path(source).exists()]
    chosen += _folders([target for _, target in binds])
    for source, target in binds:
        chosen += ["--ro-bind", source, target]
    for path in readable.SYSTEM:
        if Path(path).is_symlink():
            chosen += ["--symlink", str(Path(path).readlink()), path]
    return tuple(chosen)


def _system_folders() -> list[str]:
    """System folders that are no links to others (on merged-/usr systems only ``/usr`` is left)."""
    return [path for path in readable.SYSTEM if Path(path).is_dir() and not Path(path).is_symlink()]


def _folders(targets: list[str]) -> list[str]:
    """Options that make every parent of `targets` enterable by any uid; ``bwrap`` alone would make them for root only."""
    if version() < (0, 5):
        return []
    parents = sorted({str(parent) for target in targets for parent in Path(target).parents} - {"/", "/tmp"})  # noqa: S108
    parents = [parent for parent in parents if not any(Path(target) in Path(parent).parents or target == parent for target in targets)]
    return [option for parent in parents for option in ("--perms", "0755", "--dir", parent)]
