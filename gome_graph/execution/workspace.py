"""A workspace before and after a script: fresh output, nothing left that could fool or harm whoever reads it next."""

import contextlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gome_graph.errors import SandboxError
from gome_graph.records import Bytes

SCRIPT, OUTPUT, INPUT = "solution.py", "output", "input"
SCRATCH = ".scratch"
"""Temporary files where ``/tmp`` cannot be private; gone after the run."""
MAX_ENTRIES = 20_000
"""More files than any honest solution writes."""
_MAX_DEPTH = 64


@dataclass(frozen=True)
class Usage:
    """How much a directory holds."""

    size: Bytes
    entries: int

    @property
    def excessive(self) -> bool:
        """True if there are more entries than will be looked at."""
        return self.entries >= MAX_ENTRIES


def prepare(workspace: Path, owner: int | None, link: Path | None = None) -> bytes:
    """Make ready for a run, whatever an earlier attempt left; returns the script's text for `restore`.

    Parameters
    ----------
    workspace
        Holds ``solution.py``.
    owner
        Uid that the script will have, or None for our own.
    link
        Where ``input`` shall lead; None makes an empty folder for the sandbox to mount on.
    """
    script = workspace / SCRIPT
    try:
        text = script.read_bytes()
        for name in (OUTPUT, INPUT, SCRATCH):
            remove(workspace / name)
        for name in (OUTPUT, SCRATCH) if link else (OUTPUT, SCRATCH, INPUT):
            (workspace / name).mkdir(mode=0o755)
        if link:
            (workspace / INPUT).symlink_to(link.resolve(strict=True), target_is_directory=True)
        if owner is not None:
            for path, _ in walk(workspace):
                os.chown(path, owner, owner, follow_symlinks=False)
            os.chown(workspace, owner, owner)
            os.chown(script, os.geteuid(), os.getegid())
        script.chmod(0o644)
    except FileNotFoundError as error:
        raise SandboxError(f"{error.filename} is missing: a workspace must hold {SCRIPT} before it is run.") from error
    except OSError as error:
        raise SandboxError(f"The workspace {workspace} cannot be made ready: {error}.") from error
    return text


def restore(workspace: Path, text: bytes) -> tuple[Usage, list[str]]:
    """Take the workspace back from a script that has ended.

    Ownership and permissions become ours, ``solution.py`` is what it was, ``input`` and temporary files are gone, and ``output/`` holds
    regular files only: no links out of it, no pipes, no devices.

    Returns
    -------
    usage
        What the script left.
    refused
        One sentence for each kind of thing that was removed.
    """
    try:
        return _restore(workspace, text)
    except OSError as error:
        raise SandboxError(f"The workspace {workspace} cannot be taken back from its script: {error}.") from error


def _restore(workspace: Path, text: bytes) -> tuple[Usage, list[str]]:
    refused: list[str] = []
    uid, gid = os.geteuid(), os.getegid()
    os.chown(workspace, uid, gid)
    workspace.chmod(0o755)
    for name in (INPUT, SCRATCH):
        remove(workspace / name)
    usage = _take_back(workspace, uid, gid)
    if usage.excessive:
        for folder in [path for path in workspace.iterdir() if not path.is_file()]:
            remove(folder)
        refused.append(f"More than {MAX_ENTRIES:,} files were written; all folders were removed.")
    output = workspace / OUTPUT
    if usage.excessive or output.is_symlink() or not output.is_dir():
        refused.append("output/ is not what it was; it was made anew.")
        remove(output)
        output.mkdir()
    for path, entry in walk(output):
        if stat.S_ISDIR(entry.st_mode):
            continue
        if not stat.S_ISREG(entry.st_mode) or entry.st_nlink > 1:
            kind = "symbolic link" if stat.S_ISLNK(entry.st_mode) else "hard link" if stat.S_ISREG(entry.st_mode) else "special file"
            refused.append(f"{Path(path).relative_to(workspace)} was a {kind}, not a file of its own; it was removed.")
            Path(path).unlink()
    script = workspace / SCRIPT
    if script.is_symlink() or not script.is_file() or script.read_bytes() != text:
        refused.append(f"The script had changed {SCRIPT}; it was put back.")
        write_file(script, text)
    return usage, refused[:10]


def _take_back(workspace: Path, uid: int, gid: int) -> Usage:
    size = entries = 0
    for path, entry in walk(workspace, open_up=True):
        size += entry.st_blocks * 512
        entries += 1
        with contextlib.suppress(OSError):
            if entry.st_uid != uid:
                os.chown(path, uid, gid, follow_symlinks=False)
            if not stat.S_ISLNK(entry.st_mode):  # readable by us, and no set-uid bit that would lend our rights
                Path(path).chmod((entry.st_mode & 0o777) | (0o700 if stat.S_ISDIR(entry.st_mode) else 0o600))
    return Usage(size, entries)


def measure(workspace: Path) -> Usage:
    """How much is there now; meant for a running script, so whatever vanishes meanwhile is not counted."""
    size = entries = 0
    for _, entry in walk(workspace):
        size += entry.st_blocks * 512
        entries += 1
    return Usage(size, entries)


def walk(root: Path, *, open_up: bool = False) -> Iterator[tuple[str, os.stat_result]]:
    """Everything beneath `root` with its own (not a link's target's) status, at most `MAX_ENTRIES`; with `open_up`, locked folders too."""
    todo, seen = [(str(root), 0)], 0
    while todo:
        folder, depth = todo.pop()
        try:
            if open_up and depth:
                os.chown(folder, os.geteuid(), os.getegid(), follow_symlinks=False)
                Path(folder).chmod(0o755)
            entries = os.scandir(folder)
        except OSError:
            continue
        with entries:
            for entry in entries:
                seen += 1
                if seen > MAX_ENTRIES:
                    return
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode) and depth < _MAX_DEPTH:
                        todo.append((entry.path, depth + 1))
                    yield entry.path, status


def remove(path: Path) -> None:
    """Remove a file, a link or a tree, however deep; nothing a link points to is touched."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path)
    except (OSError, RecursionError):
        for command in (["rm", "-rf"], ["chmod", "-R", "u+rwX"], ["rm", "-rf"]):  # deeper than Python's recursion goes, or locked
            if path.exists():
                subprocess.run([*command, "--", str(path)], check=False, capture_output=True)


def write_file(path: Path, content: bytes) -> None:
    """Put a new file at `path` in place of whatever is there, never through a link."""
    remove(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
