"""Plain lines for logs and pipes: one for each thing worth knowing."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from gome_graph.records import Event
from gome_graph.report.format import clock
from gome_graph.report.story import RunView
from gome_graph.report.words import line_of


class PlainDisplay:
    """Writes lines as events come.

    Parameters
    ----------
    file
        Where to write; None takes stdout.
    """

    live = False

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file
        self._view = RunView()
        self._lock = threading.RLock()

    @contextmanager
    def open(self, stopping: Callable[[], bool]) -> Iterator[None]:
        """Nothing to open."""
        yield

    def event(self, event: Event) -> None:
        """Print its line, if it has one."""
        with self._lock:
            self._view.apply(event)
            line = line_of(self._view, event)
            if line:
                file = self._file or sys.stdout
                file.write(f"[{clock(event.elapsed):>5}] {line}\n")
                file.flush()

    def abandon(self) -> None:
        """Nothing to give back."""
