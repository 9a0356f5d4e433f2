"""What a judged step teaches: the experience that goes into memory."""

from typing import Any

from gome_graph.graph.context import FAILED
from gome_graph.graph.services import RunServices
from gome_graph.hooks import TaskBrief
from gome_graph.records import Experience, Finding, Hypothesis, Patch, StepId, TraceId, Verdict, VerdictKind
from gome_graph.run import StepDirectory

FAILURE_IN_NOISE = -2.0
"""Signed gain of a step that gave no score: worse than a typical rejected one, far from the best."""


def traits_of(task: TaskBrief) -> dict[str, Any]:
    """What makes tasks alike, as far as memory is told: kind of target, metric, size, number of text columns."""
    profile = task.profile
    return {
        "target": profile.target.kind.value, "metric": task.metric, "rows": profile.rows, "columns": len(profile.columns),
        "text": sum(c.kind.value == "text" for c in profile.columns),
    }  # fmt: skip


def symptoms_of(folder: StepDirectory) -> list[str]:
    """The findings signature of a step: its distinct symptoms, sorted."""
    return sorted({Finding.model_validate(f).symptom for f in folder.load("findings") or []})


def experience_of(run: RunServices, name: str, verdict: Verdict) -> Experience:
    """The experience of a step on disk under the verdict given; the same step has the same key, so that a later verdict replaces it."""
    folder, trace = run.run.step(name), int(name[1:].split("-")[0])
    hypothesis = Hypothesis.model_validate(folder.load("hypothesis"))
    patch, solution = Patch.model_validate(folder.load("patch")), folder.solution()
    execution = folder.execution()
    origin = f"{run.run.root.name}-{run.run.record()['id'][:6]}"  # two runs may share a name and a memory
    root = patch.whole is not None or solution is None or solution.parent is None
    without_score = FAILURE_IN_NOISE if verdict.kind in FAILED or verdict.kind is VerdictKind.LEAKAGE else 0.0
    return Experience(
        key=f"{origin}/{trace}/{name}", run=run.run.root.name, trace=TraceId(trace), step=StepId(name), task=run.brief.name,
        traits=traits_of(run.brief), findings=symptoms_of(folder), hypothesis=hypothesis,
        patch_summary="new root" if root else f"{len(patch.edits)} edits",
        gain=verdict.gain, gain_in_noise=verdict.gain_in_noise if verdict.gain_in_noise is not None else without_score,
        cost_seconds=execution.wall_seconds if execution else 0.0, verdict=verdict.kind, reason=verdict.reason,
    )  # fmt: skip
