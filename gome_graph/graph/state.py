"""The graph's channels. Small and JSON-serialisable: ids and numbers; code, logs and predictions live in the run directory."""

import operator
from typing import Annotated, Any, TypedDict

PAUSED = "paused by the user"
"""Reason with which a trace leaves for a pause; it goes on where it stood."""


class RunInput(TypedDict, total=False):
    """What a run begins with: one of the two."""

    task: str
    """Path of a task folder: input of a served graph that has no run directory yet."""
    run_dir: str
    """Absolute path; the key under which nodes find the run's services."""


class RunState(RunInput, total=False):
    """State of the run graph."""

    action: str
    """An `Action`: what review decided."""
    ended: Annotated[list[dict[str, Any]], operator.add]
    """One entry per finished trace: trace, steps, reason."""
    result: dict[str, Any]
    """A dumped `RunResult`, written by finalise."""


class TraceState(TypedDict, total=False):
    """State of one trace's loop."""

    run_dir: str
    trace: int
    step: int
    """Number of the step in hand; 0 is the draft."""
    incumbent: str | None
    """Step id of the solution that the step in hand must beat: the trace's accepted one, unless the strategy goes on from another."""
    start: str | None
    """Step id that the strategy named to go on from, a failed one if it is to be mended; None where it goes on from the incumbent."""
    probes: int
    """Directions to measure at sample stage before the step in hand."""
    next: str
    """Where the trace goes on: ``diagnose``, ``draft_again``, ``choose`` (the step named had nothing left to try)."""
    latest: str | None
    """Step id of the solution executed last."""
    base: str | None
    """Step id whose facts the diagnosis in hand rests on."""
    end: str | None
    """Why the trace is over; None while it goes on."""
    ended: Annotated[list[dict[str, Any]], operator.add]


class TraceOutput(TypedDict):
    """What a finished trace hands to the run graph."""

    ended: Annotated[list[dict[str, Any]], operator.add]
