"""The scripts an executor has under way, so that closing it ends them all."""

import contextlib
import threading
from collections.abc import Iterator

from gome_graph.errors import SandboxError
from gome_graph.records import Seconds

CLOSED = "The executor is closed; open a new one to run scripts."


class Running:
    """Counts scripts while they run; safe with several threads.

    Examples
    --------
    ``with running.one(): ...`` around each script, whose watcher asks `closing`; ``running.end(10)`` when the executor is closed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._closing = False
        self._count = 0

    def closing(self) -> bool:
        """True from `end` on: scripts are to stop, and none may begin."""
        return self._closing

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Around one script. Raises `SandboxError` if the executor is closed."""
        with self._changed:
            if self._closing:
                raise SandboxError(CLOSED)
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def end(self, patience: Seconds) -> bool:
        """Ask all scripts to stop and wait until they are gone; False if some are still there after `patience`."""
        with self._changed:
            self._closing = True
            return self._changed.wait_for(lambda: self._count == 0, timeout=patience)
