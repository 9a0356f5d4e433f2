"""remember: tell the memory what came of the step, and decide whether the trace goes on."""

from typing import Any

from gome_graph.graph.context import FAILED, where_it_stands
from gome_graph.graph.move import choose_move
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import TraceState
from gome_graph.records import EventKind, Experience, Finding, Hypothesis, Patch, StepId, Verdict, VerdictKind, step_id
from gome_graph.run import StepDirectory

FAILURE_IN_NOISE = -2.0
"""Signed gain of a step that gave no score: worse than a typical rejected one, far from the best."""

MIN_STEP_SECONDS = 1.0
"""No step is begun with less than this left."""


def remember_node(state: TraceState) -> dict[str, Any]:
    """Store the experience; say why the trace ends, if it does."""
    run = services(state["run_dir"])
    name = step_id(state["trace"], state["step"])
    folder = run.run.step(name)
    verdict = folder.verdict()
    if verdict is None:
        raise RuntimeError(f"step {name} has no verdict")
    if verdict.kind is not VerdictKind.STOPPED:
        experience = _experience(run, state, name, folder, verdict)
        run.memory.remember(experience)
        predicted = folder.load("diagnosis") or {}
        run.journal.add(
            EventKind.REMEMBERED, trace=state["trace"], step=name, key=experience.key.split("/", 1)[1], verdict=verdict.kind.value,
            predicted_gain=predicted.get("expected_gain"), confidence=predicted.get("confidence"), achieved_gain=verdict.gain_in_noise,
        )  # fmt: skip
    return _onward(run, state, folder)


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
    if run.settings.max_steps is not None and steps >= run.settings.max_steps:
        return f"{steps} steps done"
    execution = folder.execution()
    shortest = max(MIN_STEP_SECONDS, 0.5 * execution.wall_seconds if execution and execution.ok else 0.0)
    return "the budget for steps is used up" if run.budget.for_steps() < shortest else None


def _experience(run: RunServices, state: TraceState, name: StepId, folder: StepDirectory, verdict: Verdict) -> Experience:
    hypothesis = Hypothesis.model_validate(folder.load("hypothesis"))
    patch = Patch.model_validate(folder.load("patch"))
    findings = [Finding.model_validate(f) for f in folder.load("findings") or []]
    execution = folder.execution()
    profile = run.brief.profile
    origin = f"{run.run.root.name}-{run.run.record()['id'][:6]}"  # two runs may share a name and a memory
    root = state.get("incumbent") is None or patch.whole is not None
    without_score = FAILURE_IN_NOISE if verdict.kind in FAILED or verdict.kind is VerdictKind.LEAKAGE else 0.0
    return Experience(
        key=f"{origin}/{state['trace']}/{name}", run=run.run.root.name, trace=state["trace"], step=name,
        task=run.brief.name,
        traits={
            "target": profile.target.kind.value, "metric": run.brief.metric, "rows": profile.rows, "columns": len(profile.columns),
            "text": sum(c.kind.value == "text" for c in profile.columns),
        },
        findings=sorted({f.symptom for f in findings}), hypothesis=hypothesis,
        patch_summary="new root" if root else f"{len(patch.edits)} edits",
        gain=verdict.gain, gain_in_noise=verdict.gain_in_noise if verdict.gain_in_noise is not None else without_score,
        cost_seconds=execution.wall_seconds if execution else 0.0, verdict=verdict.kind, reason=verdict.reason,
    )  # fmt: skip
