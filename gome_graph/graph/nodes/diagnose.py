"""diagnose: measure where the trace stands, let diagnosers speak, ask the reasoner for the gradient."""

from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from gome_graph.diagnosis import build_pack, check_evidence, findings
from gome_graph.graph.blackboard import blackboard
from gome_graph.graph.context import FAILED, history, step_context
from gome_graph.graph.measure import measure
from gome_graph.graph.move import close_start, from_start
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import TraceState
from gome_graph.records import Component, DiagnosticPack, EventKind, Finding, StepId, VerdictKind, step_id

REFUSED_SEVERITY = 0.5
"""Of a refusal: a step that was better overall is lost, which matters as much as a moderate weakness of the incumbent."""


def diagnose_node(state: TraceState, runtime: Runtime[None]) -> dict[str, Any]:
    """Write pack, findings, diagnosis and hypotheses of the next step."""
    run = services(state["run_dir"])
    step = state["step"] + 1
    name = step_id(state["trace"], step)
    folder = run.run.step(name)
    run.tell_hints()
    base = _base(run, state)
    pack, found = _facts(run, base, state, step)
    context = replace(from_start(run, state, step_context(run, blackboard(runtime, run), state, step)), pack=pack, findings=found)
    diagnosis = check_evidence(run.reasoner.diagnose(context), pack)
    hypotheses = run.reasoner.propose(context, diagnosis)
    if not hypotheses and state.get("start"):
        return close_start(run, state)  # this step's number is still free: the strategy chooses another place for it
    folder.save("pack", pack)
    folder.save("findings", [f.model_dump(mode="json") for f in found])
    folder.save("diagnosis", diagnosis)
    folder.save("hypotheses", [h.model_dump(mode="json") for h in hypotheses])
    run.journal.add(
        EventKind.DIAGNOSED, trace=state["trace"], step=name, base=base, diagnosis=diagnosis.model_dump(mode="json"),
        findings=[f.model_dump(mode="json") for f in found],
    )  # fmt: skip
    return {"step": step, "base": base, "next": "recall"}


def _base(run: RunServices, state: TraceState) -> str:
    """The step to look at: the one the strategy named, else the incumbent, or the latest if it failed to run (its failure is the news) or
    nothing is accepted."""
    start = state.get("start")
    if start is not None:
        return start
    latest, incumbent = state.get("latest"), state.get("incumbent")
    if latest is None:
        raise RuntimeError("nothing has been executed yet")
    verdict = run.run.step(latest).verdict()
    return latest if incumbent is None or (verdict is not None and verdict.kind in FAILED) else incumbent


def _facts(run: RunServices, base: str, state: TraceState, step: int) -> tuple[DiagnosticPack, list[Finding]]:
    """The pack and findings of a step. The pack is measured once; findings are asked for anew, for some depend on the history."""
    folder = run.run.step(base)
    verdict, execution, solution = folder.verdict(), folder.execution(), folder.solution()
    if verdict is None or execution is None or solution is None:
        raise RuntimeError(f"step {base} is not finished")
    past = history(run, state["trace"], step)
    measured = run.measured(base, lambda: measure(run.prepared, folder, solution.script))
    saved = folder.record("measured_pack", DiagnosticPack)
    if saved is not None:
        pack = saved.model_copy(update={"history": past})
    else:
        parent = run.run.step(solution.parent).solution() if solution.parent else None
        pack = build_pack(
            step=StepId(base), profile=run.prepared.profile, execution=execution, score=verdict.score, verdict_kind=verdict.kind.value,
            verdict_reason=verdict.reason, measured=measured, output_dir=folder.output, script=solution.script,
            incumbent_script=parent.script if parent else None, history=past,
            time_limit=0.0 if run.settings.max_steps else run.budget.step_limit(), cpus=run.cpus_per_trace,
            memory_limit=run.memory_limit(run.settings.traces),
        )  # fmt: skip
        folder.save("measured_pack", pack)
    return pack, [*_refused(run, state), *findings(pack, measured, run.plugins)]


def _refused(run: RunServices, state: TraceState) -> list[Finding]:
    """What a gate said against the latest step: the reasoner should not try the same again."""
    latest = state.get("latest")
    verdict = run.run.step(latest).verdict() if latest else None
    if verdict is None or verdict.kind is not VerdictKind.VETOED:
        return []
    return [
        Finding(
            symptom="refused_by_gate", component=Component.MODEL, severity=REFUSED_SEVERITY, source="validation",
            summary=f"{latest} was better overall and refused: {verdict.reason}",
            direction="change less where the incumbent is right, or blend with it",
        )
    ]  # fmt: skip
