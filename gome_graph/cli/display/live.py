"""The live view on a terminal: rich draws the picture, and only lines that changed are written.

The alternate screen makes resizing safe; the last picture is printed to the ordinary screen at the end, so that it stays. At most two
redraws a second and at most `BYTES_PER_SECOND` go to the terminal.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TextIO

from rich.console import Console
from rich.text import Text

from gome_graph.cli.display.screen import draw
from gome_graph.records import Event
from gome_graph.report.format import clock
from gome_graph.report.story import RunView
from gome_graph.report.words import line_of

REDRAW_SECONDS = 0.5
"""Shortest time between two redraws."""

IDLE_SECONDS = 1.0
"""Time between two redraws when nothing has happened: the clock goes on."""

BYTES_PER_SECOND = 8_000
"""Most that goes to the terminal (the bar is 10 kB/s); a large redraw makes the next one wait."""

REPAIR_SECONDS = 20.0
"""Everything is drawn anew this often, in case something else wrote to the terminal."""

NEWS_LINES = 40
"""News that are kept for terminals with room."""

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


class LiveDisplay:
    """Owns the screen from `open` until its context ends.

    Parameters
    ----------
    file
        The terminal; None takes stdout.
    size
        Gives (columns, lines); None asks the terminal.
    now
        Monotonic seconds.
    """

    live = True

    def __init__(
        self, file: TextIO | None = None, size: Callable[[], tuple[int, int]] | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file or sys.stdout
        self._size = size or _terminal_size
        self._now = now
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self.view = RunView()
        self._news: deque[str] = deque(maxlen=NEWS_LINES)
        self._heard = now()
        self._frame: list[str] = []
        self._frame_size = (0, 0)
        self._repaired = 0.0
        self._tick = 0
        self.bytes_written = 0
        """Bytes that went to the terminal so far."""

    @contextmanager
    def open(self, stopping: Callable[[], bool]) -> Iterator[None]:
        """Show until the context ends, then leave the last picture on the ordinary screen."""
        handler = _Keep(self._note)
        logging.getLogger().addHandler(handler)  # a warning must not tear the picture
        self._write(ENTER)
        painter = threading.Thread(target=self._paint, args=(stopping,), name="gome-display", daemon=True)
        painter.start()
        try:
            yield
        finally:
            self._closing.set()
            self._wake.set()
            painter.join()
            self._write(LEAVE)
            logging.getLogger().removeHandler(handler)
            self._leave_picture()

    def event(self, event: Event) -> None:
        """Take it in; the painter draws it soon."""
        with self._lock:
            self.view.apply(event)
            self._heard = self._now()
            line = line_of(self.view, event)
            if line:
                self._news.append(f"{clock(event.elapsed):>5}  {line}")
        self._wake.set()

    def abandon(self) -> None:
        """Give the terminal back at once."""
        os.write(self._file.fileno(), LEAVE.encode())

    def _note(self, text: str) -> None:
        with self._lock:
            self._news.append(f"       {text}")
        self._wake.set()

    def _paint(self, stopping: Callable[[], bool]) -> None:
        while not self._closing.is_set():
            spent = self.redraw(stopping=stopping())
            self._closing.wait(max(REDRAW_SECONDS, spent / BYTES_PER_SECOND))
            self._wake.wait(IDLE_SECONDS - REDRAW_SECONDS)
            self._wake.clear()

    def redraw(self, *, stopping: bool = False) -> int:
        """Write what changed since the last picture; returns the number of bytes written."""
        size = self._size()
        now = self._now()
        with self._lock:
            ended = self.view.phase == "ended"
            elapsed = self.view.elapsed + (0.0 if ended else now - self._heard)
            picture = draw(self.view, *size, elapsed=elapsed, stopping=stopping, tick=self._tick, news=list(self._news))
        self._tick += 1
        lines = _ansi(picture, size[0])
        parts: list[str] = []
        if size != self._frame_size or now - self._repaired > REPAIR_SECONDS:
            self._frame, self._frame_size, self._repaired = [], size, now
            parts.append("\x1b[2J")
        for row in range(max(len(lines), len(self._frame))):
            new = lines[row] if row < len(lines) else ""
            if row >= len(self._frame) or self._frame[row] != new:
                parts.append(f"\x1b[{row + 1};1H{new}\x1b[0m\x1b[K")
        self._frame = lines
        return self._write("".join(parts))

    def _write(self, text: str) -> int:
        if not text:
            return 0
        count = len(text.encode())
        self.bytes_written += count
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError):
            self._closing.set()  # the terminal is gone: the run goes on without a view
        return count

    def _leave_picture(self) -> None:
        width, height = self._size()
        with self._lock:
            picture = draw(self.view, width, max(height - 1, 8), elapsed=self.view.elapsed)
        self._write("\n".join(line for line in _ansi(picture[:-1], width)).rstrip() + "\x1b[0m\n")


def _ansi(picture: list[Text], width: int) -> list[str]:
    """The lines with their colours."""
    lines = []
    for line in picture:
        buffer = StringIO()
        Console(file=buffer, width=width, force_terminal=True, highlight=False, legacy_windows=False).print(line, end="", soft_wrap=True)
        lines.append(buffer.getvalue())
    return lines


def _terminal_size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 80, 24
    return max(size.columns, 20), max(size.lines, 6)


class _Keep(logging.Handler):
    """Shows warnings in the picture instead of on top of it."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the text on."""
        self._note(" ".join(record.getMessage().split())[:300])
