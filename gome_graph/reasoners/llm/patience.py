"""How often a model that fails is asked again: after each failure in a row the rules do more steps by themselves."""

import threading
from dataclasses import dataclass

PAUSES = (0, 1, 3, 7)
"""Steps without a question after one, two, three, and four or more failed steps in a row: a broken or hopeless model costs little time,
and one that comes back is noticed."""


@dataclass
class _Record:
    failures: int = 0
    """Failed steps in a row."""
    rests_until: int = 0
    """First step that asks again."""
    last: int = -1
    """The step that failed last."""


class Patience:
    """One record a trace, so that what a trace does depends on nothing but itself. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: dict[int, _Record] = {}

    def asks(self, trace: int, step: int) -> bool:
        """False while the model rests, and for the rest of a step that failed."""
        with self._lock:
            record = self._traces.setdefault(trace, _Record())
            return step >= record.rests_until and step != record.last

    def failed(self, trace: int, step: int) -> int:
        """Note a failed step; returns for how many further steps the model rests."""
        with self._lock:
            record = self._traces.setdefault(trace, _Record())
            if record.last == step:
                return record.rests_until - step - 1
            record.failures += 1
            record.last = step
            pause = PAUSES[min(record.failures, len(PAUSES)) - 1]
            record.rests_until = step + 1 + pause
            return pause

    def succeeded(self, trace: int) -> None:
        """A step that a model brought to its end."""
        with self._lock:
            self._traces[trace] = _Record()
