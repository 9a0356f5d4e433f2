"""Ctrl-C and SIGTERM: once asks the traces to stop and hands out the best so far, twice ends at once."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

ASKED = "stopping: scripts are ended, the best so far is written out; press Ctrl-C again to end at once"

EXIT_CODE = 130


class Interrupt:
    """Context manager around a run.

    Parameters
    ----------
    announce
        Write `ASKED` to stderr on the first signal (a live display shows it by itself).
    at_once
        Called on the second signal before the process ends: gives the terminal back.
    """

    def __init__(self, *, announce: bool, at_once: Callable[[], None] = lambda: None) -> None:
        self._announce = announce
        self._at_once = at_once
        self._asked = threading.Event()
        self._old: dict[int, Any] = {}

    def stopped(self) -> bool:
        """True once the user asked for an end."""
        return self._asked.is_set()

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # The main thread may be inside a print or hold a lock just now: nothing but flags and raw writes here.
        if not self._asked.is_set():
            self._asked.set()
            if self._announce:
                os.write(2, f"gome: {ASKED}\n".encode())
            return
        self._at_once()
        os.write(2, b"gome: ended at once; go on later with: gome resume RUN\n")
        _kill_descendants()
        os._exit(EXIT_CODE)


def _kill_descendants() -> None:
    """Scripts in flight: this process is their only parent, and nothing will wait for them."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.Error:
            continue
