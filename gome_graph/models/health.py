"""Which backends are worth asking: one that refuses our key is never asked again, one that is down is left alone for a while."""

import threading
from dataclasses import dataclass

LOST_ASKS = 2
"""Asks in a row that a backend must lose before it is left alone."""

FIRST_REST = 2
LONGEST_REST = 16
"""Asks that pass it by; doubled each time. Counted in asks, not seconds, so that a replay decides alike."""


@dataclass
class _State:
    lost: int = 0
    resting: int = 0
    rest: int = FIRST_REST
    dead: str = ""


class Health:
    """The state of each backend, by name. Thread-safe."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        self._lock = threading.Lock()

    def may_ask(self, name: str) -> str:
        """Empty if the backend may be asked, else why not. Each call while it rests brings the end of the rest nearer."""
        with self._lock:
            state = self._states.setdefault(name, _State())
            if state.dead:
                return state.dead
            if state.resting > 0:
                state.resting -= 1
                return f"it failed {state.lost} times in a row and is left alone for {state.resting + 1} more requests"
            return ""

    def well(self, name: str) -> None:
        """It has answered."""
        with self._lock:
            dead = self._states.get(name, _State()).dead
            self._states[name] = _State(dead=dead)

    def lost(self, name: str) -> None:
        """An ask got nothing out of it."""
        with self._lock:
            state = self._states.setdefault(name, _State())
            state.lost += 1
            if state.lost >= LOST_ASKS:
                state.resting, state.rest = state.rest, min(2 * state.rest, LONGEST_REST)

    def dead(self, name: str, why: str) -> bool:
        """It will not answer in this run; True if that is news."""
        with self._lock:
            state = self._states.setdefault(name, _State())
            news = not state.dead
            state.dead = state.dead or why
            return news
