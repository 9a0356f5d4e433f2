"""remember: tell the memory what came of the step, and decide whether the trace goes on."""

from typing import Any

from gome_graph.graph.context import where_it_stands
from gome_graph.graph.experience import experience_of
from gome_graph.graph.move import choose_move
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import PAUSED, TraceState
from gome_graph.graph.wishes import take_wishes
from gome_graph.records import EventKind, VerdictKind, step_id
from gome_graph.run import StepDirectory

MIN_STEP_SECONDS = 1.0
"""No step is begun with less than this left."""


def remember_node(state: TraceState) -> dict[str, Any]:
    """Store the experience, carry out wishes; say why the trace ends, if it does."""
    run = services(state["run_dir"])
    name = step_id(state["trace"], state["step"])
    folder = run.run.step(name)
    verdict = folder.verdict()
    if verdict is None:
        raise RuntimeError(f"step {name} has no verdict")
    if verdict.kind is not VerdictKind.STOPPED:
        experience = experience_of(run, name, verdict)
        run.memory.remember(experience)
        predicted = folder.load("diagnosis") or {}
        run.journal.add(
            EventKind.REMEMBERED, trace=state["trace"], step=name, key=experience.key.split("/", 1)[1], verdict=verdict.kind.value,
            predicted_gain=predicted.get("expected_gain"), confidence=predicted.get("confidence"), achieved_gain=verdict.gain_in_noise,
        )  # fmt: skip
    take_wishes(run)
    incumbent = _unless_vetoed(run, state)
    return {"incumbent": incumbent, **_onward(run, TraceState(**{**state, "incumbent": incumbent}), folder)}


def _unless_vetoed(run: RunServices, state: TraceState) -> str | None:
    """The trace's incumbent; the last accepted step that is left if a person took it away."""
    name = state.get("incumbent")
    verdict = run.run.step(name).verdict() if name else None
    vetoed = verdict is not None and verdict.kind is VerdictKind.VETOED
    return where_it_stands(run, state["trace"]).get("incumbent") if vetoed else name


def stand(run: RunServices, trace: int) -> TraceState:
    """Where a trace begins or goes on from; one that has done its steps is over at once."""
    state = where_it_stands(run, trace)
    latest = state.get("latest")
    if latest is not None:
        state.update(_onward(run, state, run.run.step(latest)))  # type: ignore[typeddict-item]
    return state


def choose_node(state: TraceState) -> dict[str, Any]:
    """Ask the strategy again: the step it named had nothing left to try."""
    run = services(state["run_dir"])
    return _onward(run, state, run.run.step(state.get("latest") or ""))


def next_move(state: TraceState) -> str:
    """Where the trace goes from here: ``diagnose``, ``draft_again`` (a new root) or ``leave``."""
    return "leave" if state.get("end") else state.get("next", "diagnose")


def _onward(run: RunServices, state: TraceState, folder: StepDirectory) -> dict[str, Any]:
    """The end of the trace, or the strategy's next move."""
    end = _end(run, state, folder)
    return {"end": end} if end else {"end": None, **choose_move(run, state)}


def _end(run: RunServices, state: TraceState, folder: StepDirectory) -> str | None:
    steps = state["step"] + 1
    if run.stopped():
        return "stopped by the user"
    if run.run.pause_path.exists():
        return PAUSED
    if run.settings.max_steps is not None and steps >= run.settings.max_steps:
        return f"{steps} steps done"
    execution = folder.execution()
    shortest = max(MIN_STEP_SECONDS, 0.5 * execution.wall_seconds if execution and execution.ok else 0.0)
    return "the budget for steps is used up" if run.budget.for_steps() < shortest else None
