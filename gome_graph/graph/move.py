"""Asking the strategy, and going where it says."""

from dataclasses import dataclass, replace
from typing import Any

from gome_graph.errors import PluginError
from gome_graph.graph.context import history
from gome_graph.graph.services import RunServices
from gome_graph.graph.state import TraceState
from gome_graph.hooks import Move, MoveKind, StepContext, TraceView
from gome_graph.records import StepId, StepSummary, VerdictKind
from gome_graph.support.seeds import derive_seed

EXHAUSTED = "exhausted"
"""File of a step from which the reasoner found nothing left to try."""


@dataclass(frozen=True)
class Origin:
    """Where a step came from; never changes once it has been written."""

    parent: StepId | None
    confidence: float | None


def origin(run: RunServices, name: str) -> Origin:
    """Parent and stated confidence of a judged step; read once."""
    found = run.origins.get(name)
    if found is None:
        folder = run.run.step(name)
        solution, diagnosis = folder.load("solution") or {}, folder.load("diagnosis") or {}
        found = run.origins[name] = Origin(solution.get("parent"), diagnosis.get("confidence"))
    return found


def choose_move(run: RunServices, state: TraceState) -> dict[str, Any]:
    """The strategy's move as an update of the trace's state.

    Raises
    ------
    PluginError
        If the strategy names a step that cannot be gone on from.
    """
    view = _view(run, state)
    move = run.strategy.next(view)
    if move.kind is MoveKind.STOP:
        return {"end": "the strategy ended it"}
    if move.kind is MoveKind.ROOT:
        return {"next": "draft_again", "start": None, "incumbent": None}
    if move.parent is None:
        return {"next": "diagnose", "start": None, "probes": move.probes}
    _check(run, view, move)
    beaten = move.parent if move.kind is MoveKind.IMPROVE else _sound_above(run, view, move.parent)
    return {"next": "diagnose", "start": move.parent, "incumbent": beaten, "probes": move.probes}


def _view(run: RunServices, state: TraceState) -> TraceView:
    trace, steps = state["trace"], state["step"] + 1
    past = history(run, trace, steps)
    origins = {line.step: origin(run, line.step) for line in past}
    most = run.settings.max_steps
    return TraceView(
        trace=trace, step=steps, history=past, has_incumbent=bool(state.get("incumbent")), seconds_left=run.budget.for_steps(),
        higher_is_better=run.prepared.metric.higher_is_better,
        progress=steps / most if most else min(run.budget.elapsed() / run.budget.total, 1.0),
        seed=derive_seed(run.settings.seed, "strategy", trace),
        validity=run.models.validity(before=(trace, steps)) if run.models is not None else 1.0,
        parents={step: found.parent for step, found in origins.items()},
        confidences={step: found.confidence for step, found in origins.items() if found.confidence is not None},
        exhausted=frozenset(line.step for line in past if (run.run.step(line.step).root / f"{EXHAUSTED}.json").exists()),
    )  # fmt: skip


def _check(run: RunServices, view: TraceView, move: Move) -> None:
    """A step is improved if it has a score, and debugged if it has none; one with nothing left to try is not named again."""
    named = next((line for line in view.history if line.step == move.parent), None)
    sound = named is not None and named.outcome in (VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER)
    if named is None or move.parent in view.exhausted or sound is not (move.kind is MoveKind.IMPROVE):
        what = "which is none of the trace's steps" if named is None else f"which is {named.outcome}"
        what = "which has nothing left to try" if move.parent in view.exhausted else what
        raise PluginError(f"strategy {run.strategy.name!r} asks to {move.kind.value} step {move.parent}, {what}")


def _sound_above(run: RunServices, view: TraceView, step: StepId) -> StepId | None:
    """The nearest step above a failed one that has a score: what its mended script must beat."""
    outcomes = {line.step: line.outcome for line in view.history}
    above = view.parents.get(step)
    while above is not None and outcomes.get(above) not in (VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER):
        above = view.parents.get(above)
    return above


def from_start(run: RunServices, state: TraceState, context: StepContext) -> StepContext:
    """The context at the step that the strategy named: its solution, and the history of its own branch alone.

    What was tried on other branches may be tried again here. Without a named step the context is returned as it is.
    """
    start = state.get("start")
    if start is None:
        return context
    folder = run.run.step(start)
    execution = folder.execution()
    seconds = 1.0 if run.settings.max_steps is not None else execution.whole_seconds if execution else 0.0
    return replace(
        context, incumbent=folder.solution(), incumbent_seconds=seconds, history=branch_history(run, context.history, StepId(start))
    )


def branch_history(run: RunServices, lines: list[StepSummary], start: StepId) -> list[StepSummary]:
    """The steps on the way to `start`, and those that were made from it."""
    way: set[StepId] = set()
    here: StepId | None = start
    while here is not None and here not in way:
        way.add(here)
        here = origin(run, here).parent
    return [line for line in lines if line.step in way or origin(run, line.step).parent == start]


def close_start(run: RunServices, state: TraceState) -> dict[str, Any]:
    """Nothing is left to try at the step that the strategy named: remember that, and ask it again."""
    start = state.get("start")
    if start is None:
        return {"end": "nothing is left that the reasoner would try"}
    run.run.step(start).save(EXHAUSTED, {"at": state["step"]})
    return {"next": "choose"}
