"""validate: recompute the score, compare with the incumbent, publish what is better."""

import threading
from typing import Any

from langgraph.runtime import Runtime

from gome_graph.graph.blackboard import blackboard
from gome_graph.graph.publish import publish_if_best
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import TraceState
from gome_graph.records import EventKind, Execution, Stage, Verdict, VerdictKind, step_id
from gome_graph.run import StepDirectory
from gome_graph.validation import Incumbent, ValidationPolicy, audit_score, permuted_rerun, validate

_probes = threading.Lock()


def validate_node(state: TraceState, runtime: Runtime[None]) -> dict[str, Any]:
    """Judge the step in hand; an accepted one becomes the trace's incumbent."""
    run = services(state["run_dir"])
    name = step_id(state["trace"], state["step"])
    folder = run.run.step(name)
    verdict = folder.verdict()
    execution = folder.execution()
    if execution is None:
        raise RuntimeError(f"step {name} was not executed")
    if verdict is None:
        verdict = _gate(run, folder, _judge(run, state, folder, name, execution))
        folder.save("verdict", verdict)
    run.journal.add(EventKind.VALIDATED, trace=state["trace"], step=name, verdict=verdict.model_dump(mode="json"))
    incumbent = state.get("incumbent")
    if verdict.accepted:
        incumbent = name
        run.budget.note_accepted(execution.wall_seconds)
        publish_if_best(run, name, verdict)
    blackboard(runtime, run).post(state["trace"], steps=state["step"] + 1, hypothesis=None, incumbent=incumbent)
    return {"incumbent": incumbent}


def _judge(run: RunServices, state: TraceState, folder: StepDirectory, name: str, execution: Execution) -> Verdict:
    incumbent = state.get("incumbent")
    against = run.run.step(incumbent) if incumbent else None
    before = against.execution() if against else None
    solution = folder.solution()
    validation = validate(
        run.prepared,
        folder.output,
        execution,
        stage=Stage.FULL,
        incumbent=Incumbent(
            step=incumbent,
            output_dir=against.output,
            seconds=before.wall_seconds,
            complexity=len(old.script) if (old := against.solution()) else 0,
        )
        if incumbent and against and before
        else None,
        policy=ValidationPolicy(),
        complexity=len(solution.script) if solution else 0,
        rerun=lambda input_dir: _rerun(run, folder, input_dir),
    )
    if validation.score is not None:
        run.run.save_audit(name, execution.seed, audit_score(run.prepared, folder.output))
    return validation.verdict


def _rerun(run: RunServices, folder: StepDirectory, input_dir: Any) -> Any:
    """The permuted-label probe: the same script on a small input with shuffled labels."""
    probe = StepDirectory(folder.root / "probe")
    solution = folder.solution()
    if solution is None:
        raise RuntimeError(f"{folder.root.name} has no solution to probe")
    probe.write_solution(solution)
    with _probes:  # the probe's input folder is shared by the traces
        return permuted_rerun(run, probe, input_dir)


def _gate(run: RunServices, folder: StepDirectory, verdict: Verdict) -> Verdict:
    """Let plugins refuse a step that would be accepted; a gate may not turn a rejection into an acceptance."""
    solution = folder.solution()
    if not verdict.accepted or solution is None:
        return verdict
    for impl in run.plugins.manager.hook.gome_validate.get_hookimpls():
        changed: Verdict | None = impl.function(**{n: {"solution": solution, "verdict": verdict}[n] for n in impl.argnames})
        if changed is not None and changed.kind is VerdictKind.VETOED:
            return changed
    return verdict
