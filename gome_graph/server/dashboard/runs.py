"""The runs that the dashboard shows: found below one folder, their journals followed line by line.

A page names a run by a key that is looked up among the runs found, never joined to a path: there is nothing to traverse.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from gome_graph.records import Event
from gome_graph.report.status import is_live, status
from gome_graph.report.story import RunView, take_kept_result
from gome_graph.report.words import line_of
from gome_graph.run import RunDirectory

PATTERNS = ("run.json", "*/run.json", "*/*/run.json")
"""Where runs lie below the folder: itself, its folders, and theirs (deeper down are the workspaces of scripts)."""

LATEST = 40
"""Lines of the journal in words that are kept for the page of a run."""


def key_of(root: Path, run: Path) -> str:
    """The name of a run in addresses: its path below `root`, with letters, digits and dashes alone.

    Examples
    --------
    >>> key_of(Path("/w/runs"), Path("/w/runs/sales-3f2a1c")), key_of(Path("/w"), Path("/w/runs/a b"))
    ('sales-3f2a1c', 'runs~a_b')
    """
    parts = run.relative_to(root).parts or (run.name,)
    return "~".join(re.sub(r"[^A-Za-z0-9.-]", "_", part) for part in parts)


@dataclass
class Line:
    """One event in words."""

    n: int
    at: float
    """Budget seconds."""
    text: str
    kind: str


@dataclass
class Snapshot:
    """A run as the pages need it. `view` belongs to the follower: use it inside `Followed.read` alone."""

    key: str
    run: RunDirectory
    view: RunView
    state: str
    """``live``, ``done``, ``stopped``, ``failed``, ``paused`` or ``crashed``."""
    last: int
    """Number of the last event; -1 before the first."""
    lines: list[Line] = field(default_factory=list)
    """The latest events in words, oldest first."""


class Followed:
    """One run, followed: only what was added to its journal since the last look is read."""

    def __init__(self, key: str, run: RunDirectory) -> None:
        self.key, self.run = key, run
        self._lock = threading.Lock()
        self._start_over()

    def _start_over(self) -> None:
        self._view, self._offset, self._inode, self._last = RunView(), 0, -1, -1
        self._lines: list[Line] = []

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """The run as it is now; nobody else changes the view meanwhile."""
        with self._lock:
            self._catch_up()
            take_kept_result(self._view, self.run)
            yield Snapshot(self.key, self.run, self._view, status(self.run, self._view), self._last, self._lines)

    def pulse(self) -> tuple[int, str, list[Line]]:
        """(last event, state, latest lines): what a page that is open wants to hear of."""
        with self.read() as now:
            return now.last, now.state, list(now.lines)

    def signature(self) -> tuple[int, int, bool]:
        """Changes when the run does; costs a few system calls, however long its journal is."""
        try:
            stat = self.run.journal_path.stat()
            return stat.st_size, stat.st_mtime_ns, is_live(self.run)
        except OSError:
            return -1, -1, False

    def _catch_up(self) -> None:
        try:
            stat = self.run.journal_path.stat()
        except OSError:
            return
        if stat.st_ino != self._inode or stat.st_size < self._offset:
            self._start_over()
            self._inode = stat.st_ino
        if stat.st_size == self._offset:
            return
        with self.run.journal_path.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(line)
        del self._lines[:-LATEST]

    def _take(self, line: bytes) -> None:
        try:
            event = Event.model_validate_json(line)
        except ValidationError:  # of another version, or damaged: the rest is worth showing
            return
        self._view.apply(event)
        self._last = event.n
        text = line_of(self._view, event)
        if text:
            self._lines.append(Line(event.n, event.elapsed, text, event.kind.value))


class Runs:
    """All runs below a folder.

    Parameters
    ----------
    root
        A folder of runs, or a single run.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._followed: dict[str, Followed] = {}
        self._lock = threading.Lock()

    def all(self) -> list[Followed]:
        """The runs there are now, by key."""
        found: dict[str, Path] = {}
        for pattern in PATTERNS:
            for record in sorted(self.root.glob(pattern)):
                folder = record.parent.resolve()
                if folder.is_relative_to(self.root) and record.is_file():  # a link must not lead out
                    found.setdefault(key_of(self.root, folder), folder)
        with self._lock:
            for key in set(self._followed) - set(found):
                del self._followed[key]
            for key, folder in found.items():
                if key not in self._followed or self._followed[key].run.root != folder:
                    self._followed[key] = Followed(key, RunDirectory(folder))
            return [self._followed[key] for key in sorted(found)]

    def find(self, key: str) -> Followed | None:
        """The run of that key, if there is one."""
        with self._lock:
            known = self._followed.get(key)
        if known is not None and known.run.record_path.is_file():
            return known
        return next((followed for followed in self.all() if followed.key == key), None)
