"""How many answers fitted at the first try: by ask, so that one which is asked again after a kill counts once."""

import threading
from collections import Counter
from collections.abc import Iterable

from gome_graph.models.backend import FailureKind
from gome_graph.records import Event, EventKind

Place = tuple[int, int]
"""Trace and number of the step."""

UNFIT = frozenset({"invalid", FailureKind.TRUNCATED.value})
"""Troubles that, where the model is given up for them, mean that no answer fitted."""
GIVEN_UP = "given up"


class Tally:
    """Outcomes of asks at a backend, numbered within their step and template. Thread-safe.

    Parameters
    ----------
    events
        The journal of the run's earlier processes. Each of them numbers from the beginning, as this one will: what is asked again takes the
        place of what it repeats.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._fitted: dict[tuple[int, int, str, int], bool] = {}
        self._numbers: Counter[tuple[int, int, str]] = Counter()
        self._lock = threading.Lock()
        for event in events:
            if event.kind is EventKind.RESUMED:
                self._numbers.clear()
            elif (fitted := _told(event)) is not None and event.step is not None:
                trace, step = event.step.removeprefix("t").split("-")
                self.add((int(trace), int(step)), event.data["role"], fitted=fitted)
        self._numbers.clear()

    def __len__(self) -> int:
        return len(self._fitted)

    def add(self, place: Place, role: str, *, fitted: bool) -> None:
        """Count one outcome of an ask that plays `role` in a step."""
        with self._lock:
            asked = (*place, role)
            self._fitted[*asked, self._numbers[asked]] = fitted
            self._numbers[asked] += 1

    def share(self, before: Place | None = None) -> float:
        """Share of those that fitted; 1.0 of none. `before` leaves out that step of the trace, and later ones: what is decided there may
        not depend on how far an earlier process had come with it."""
        with self._lock:
            counted = [
                fitted for (trace, step, _, _), fitted in self._fitted.items() if before is None or trace != before[0] or step < before[1]
            ]
        return sum(counted) / len(counted) if counted else 1.0


def _told(event: Event) -> bool | None:
    """What an event says of an ask: fitted, not fitted, or nothing."""
    if event.kind is EventKind.ANSWERED:
        return not event.data["repaired"]
    given_up = event.kind is EventKind.MODEL_TROUBLE and event.data.get("then") == GIVEN_UP and event.data.get("problem") in UNFIT
    return False if given_up else None
