"""The quarantine over a whole log: window by window, which actions' signal is not believed, and which requests must teach nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from gome_graph.errors import TaskError
from gome_graph.records import Record
from gome_guard.log import Array, Log, preferred
from gome_guard.quarantine import Quarantine, QuarantineSettings

SECONDS_A_DAY = 86_400.0


class Window(Record):
    """What one window's look came to; actions by name."""

    name: str
    rows: int
    held: list[str]
    confirmed: list[str]
    """Their change was there again: believed from here on, with their rows of the window before."""
    dropped: list[str]
    """Their jump of the window before was transient: its rows are never believed."""


class Watch(Record):
    """What `gome guard quarantine` finds; `train`, `serve` and `repair` read it (``--held``)."""

    windows: list[Window]
    held: list[str]
    """Actions in quarantine after the last window: there the incumbent stays."""
    doubted: list[str]
    """Requests whose reward is not believed."""


def watch(log: Log, windows: Sequence[tuple[str, Array]], settings: QuarantineSettings | None = None) -> Watch:
    """Look at the windows (name, row numbers) one after the other; `windows_of` makes them.

    A cell is the traffic on which the policy that decided prefers one action. The jump is looked for where that action was taken;
    its exploring rows are not believed either while it is held.
    """
    quarantine, prefers = Quarantine(settings), _prefers(log)
    taken = np.where(prefers == log.taken, prefers, -1)
    believed, found, before = np.ones(len(log), bool), list[Window](), np.zeros(0, int)
    held: frozenset[int] = frozenset()
    for name, rows in windows:
        decision = quarantine.look(taken[rows], log.reward[rows])
        held = decision.held
        believed[rows[np.isin(prefers[rows], list(held))]] = False
        believed[before[np.isin(prefers[before], list(decision.confirmed))]] = True
        before = rows
        found.append(
            Window(
                name=name, rows=len(rows), held=_names(log, held), confirmed=_names(log, decision.confirmed),
                dropped=_names(log, decision.dropped),
            )
        )  # fmt: skip
    return Watch(windows=found, held=_names(log, held), doubted=[str(log.ids[i]) for i in np.flatnonzero(~believed)])


def _names(log: Log, codes: frozenset[int]) -> list[str]:
    return sorted(log.actions[code] for code in codes)


def _prefers(log: Log) -> Array:
    """(n,) code of the action that the deciding policy preferred; -1 where an unlikely action was logged and nothing else is known."""
    if log.logging is not None:
        return preferred(log, log.logging)
    return np.where(log.propensity >= 0.5, log.taken, -1)


def windows_of(log: Log, days: float | None) -> list[tuple[str, Array]]:
    """Windows of so many days, or one for each policy version in the order of their first decisions.

    Raises
    ------
    TaskError
        If there are fewer than two: a jump needs something before it.
    """
    if log.at is None or log.policy is None:
        raise ValueError("the log has no times or policy versions")
    if days is None:
        first = {str(name): i for i, name in reversed(list(enumerate(log.policy)))}
        found = [(name, np.flatnonzero(log.policy == name)) for name in sorted(first, key=lambda name: first[name])]
        what = "--days cuts it by time"
    else:
        number = ((log.at - log.at.min()) // (days * SECONDS_A_DAY)).astype(int)
        found = [(f"window {n + 1}", np.flatnonzero(number == n)) for n in np.unique(number)]
        what = f"--days {days:g} leaves one window; give fewer days"
    if len(found) < 2:
        raise TaskError(f"The quarantine compares a window with those before, and the log is a single one ({what}).")
    return found


def read_watch(path: Path) -> Watch:
    """What `gome guard quarantine --out` wrote.

    Raises
    ------
    TaskError
        If it is something else.
    """
    try:
        return Watch.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise TaskError(f"--held {path} is not what `gome guard quarantine --out` writes ({type(error).__name__}).") from error
