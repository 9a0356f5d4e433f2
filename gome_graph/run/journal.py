"""The one central record of a run: an append-only list of events that the UI, the report, resume and replay all read."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gome_graph.records import Event, EventKind, StepId
from gome_graph.run.directory import RunDirectory

log = logging.getLogger(__name__)

Observer = Callable[[Event], None]

_ONCE = frozenset(
    {
        EventKind.RUN_STARTED, EventKind.TASK_PREPARED, EventKind.STEP_STARTED, EventKind.EXECUTED, EventKind.VALIDATED,
        EventKind.DIAGNOSED, EventKind.RECALLED, EventKind.UPDATED, EventKind.REMEMBERED,
    }
)  # fmt: skip
"""Kinds that happen at most once for a (trace, step): a node that is repeated after a crash does not journal them again."""


class Journal:
    """Appends events to ``journal.jsonl``; thread-safe; each line is handed to the kernel before `add` returns, so kill -9 loses none.

    Parameters
    ----------
    run
        The run directory.
    elapsed
        The budget's clock: seconds spent so far.
    observers
        Called with each new event, after it is on disk. One that raises (a pipe was closed, a terminal is gone) is told no more.
    """

    def __init__(self, run: RunDirectory, elapsed: Callable[[], float], observers: list[Observer] | None = None) -> None:
        self._path = run.journal_path
        self._elapsed = elapsed
        self._observers = observers or []
        self._lock = threading.Lock()
        past = list(run.events())
        self._next = past[-1].n + 1 if past else 0
        self._seen = {(e.kind, e.trace, e.step) for e in past}
        self._drop_torn_line()
        self._file = self._path.open("a", encoding="utf-8")

    def _drop_torn_line(self) -> None:
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        if data and not data.endswith(b"\n"):
            with self._path.open("r+b") as file:
                file.truncate(data.rfind(b"\n") + 1)

    def has(self, kind: EventKind, trace: int | None = None, step: str | None = None) -> bool:
        """Whether such an event is in the journal."""
        return (kind, trace, step) in self._seen

    def add(self, kind: EventKind, *, trace: int | None = None, step: StepId | None = None, **data: Any) -> Event | None:
        """Append one event; None if this (kind, trace, step) is there already and can happen only once."""
        with self._lock:
            key = (kind, trace, step)
            if kind in _ONCE and key in self._seen:
                return None
            event = Event(
                n=self._next, kind=kind, trace=trace, step=step, at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                elapsed=round(self._elapsed(), 3), data=data,
            )  # fmt: skip
            self._file.write(event.model_dump_json() + "\n")
            self._file.flush()
            self._next += 1
            self._seen.add(key)
            for observer in list(self._observers):
                try:
                    observer(event)
                except Exception as error:  # the run is worth more than its view
                    self._observers = [other for other in self._observers if other is not observer]
                    log.warning("what showed the run failed and is told no more: %s: %s", type(error).__name__, error)
        return event

    def close(self) -> None:
        """Close the file; further `add` calls fail."""
        self._file.close()
