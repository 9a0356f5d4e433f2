"""validate: recompute the score, compare with the incumbent, publish what is better."""

from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from gome_graph.graph.blackboard import blackboard
from gome_graph.graph.measure import measure
from gome_graph.graph.publish import publish_if_best
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import TraceState
from gome_graph.hooks import GateFacts
from gome_graph.records import EventKind, Execution, Outcome, ScriptJob, Stage, StepId, Verdict, VerdictKind, step_id
from gome_graph.run import StepDirectory
from gome_graph.task import Measured
from gome_graph.validation import Incumbent, audit_score, validate

PROBE_SECONDS, PROBE_SHARE = 2.5, 0.2
"""What a probe takes: starting Python and its libraries, and a fifth of the full run for a tenth of the rows."""
PROBE_BUDGET = 0.03
"""Share of the budget that a probe of a mere doubt may take; suspicions are always probed."""


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
        verdict = _gate(run, folder, _judge(run, state, folder, name, execution), state.get("incumbent"))
        folder.save("verdict", verdict)
    run.journal.add(EventKind.VALIDATED, trace=state["trace"], step=name, verdict=verdict.model_dump(mode="json"))
    incumbent = state.get("incumbent")
    if verdict.accepted:
        incumbent = name
        run.budget.note_incumbent(state["trace"], execution.whole_seconds)
        publish_if_best(run, name, verdict)
    blackboard(runtime, run).post(state["trace"], steps=state["step"] + 1, hypothesis=None, incumbent=incumbent)
    return {"incumbent": incumbent}


def _judge(run: RunServices, state: TraceState, folder: StepDirectory, name: str, execution: Execution) -> Verdict:
    solution = folder.solution()
    probes: list[Execution] = []

    def rerun(input_dir: Path) -> tuple[Execution, Path]:
        execution, output = _probe(run, folder, input_dir)
        probes.append(execution)
        return execution, output

    seconds = 0.0 if run.settings.max_steps is not None else execution.wall_seconds  # a run that counts steps does not ask the clock
    validation = validate(
        run.prepared, folder.output, execution, stage=Stage.FULL, incumbent=_incumbent(run, state.get("incumbent")),
        rerun=rerun, complexity=len(solution.script.splitlines()) if solution else 0,
        probe_doubts=PROBE_SECONDS + PROBE_SHARE * seconds <= PROBE_BUDGET * run.budget.total,
    )  # fmt: skip
    cut = run.stopped() or (run.budget.for_steps() <= 0.5 and any(probe.outcome is Outcome.TIMED_OUT for probe in probes))
    if validation.suspicious and validation.verdict.accepted and cut:
        # The permuted-label probe was cut off by the run's end: a step that nobody could clear is not accepted.
        return Verdict(kind=VerdictKind.STOPPED, reason="stopped before its permuted-label probe was done", score=validation.score)
    if validation.score is not None:
        run.run.save_audit(name, execution.seed, audit_score(run.prepared, folder.output))
    return validation.verdict


def _incumbent(run: RunServices, name: str | None) -> Incumbent | None:
    if name is None:
        return None
    folder = run.run.step(name)
    execution, solution = folder.execution(), folder.solution()
    if execution is None or solution is None:
        return None
    return Incumbent(StepId(name), folder.output, execution.whole_seconds, len(solution.script.splitlines()))


def _probe(run: RunServices, folder: StepDirectory, input_dir: Path) -> tuple[Execution, Path]:
    """Run the step's script on another input (permuted labels), in a workspace of its own."""
    probe, solution = StepDirectory(folder.root / "probe"), folder.solution()
    if solution is None:
        raise RuntimeError(f"{folder.root.name} has no solution to probe")
    probe.write_solution(solution)
    # Probes always see the same permuted labels, so what a member made of them once need not be fitted again either.
    run.kept_permuted.lend(probe.workspace, solution.script)
    job = ScriptJob(
        workspace=probe.workspace, input_dir=input_dir, stage=Stage.SAMPLE, seed=run.settings.seed, cpus=run.cpus_per_trace,
        limits=run.limits(run.budget.step_limit(), run.settings.traces),
    )  # fmt: skip
    execution = run.executor.run(job, run.stopped)
    run.kept_permuted.collect(probe.workspace, solution.script, ok=execution.ok)
    return execution, probe.output


def _gate(run: RunServices, folder: StepDirectory, verdict: Verdict, incumbent: str | None) -> Verdict:
    """Let plugins refuse a step that would be accepted; a gate may not turn a rejection into an acceptance."""
    solution = folder.solution()
    if not verdict.accepted or solution is None:
        return verdict

    def measured(step: StepId) -> Measured:
        looked_at = run.run.step(step)
        known = looked_at.solution()
        return run.measured(step, lambda: measure(run.prepared, looked_at, known.script if known else ""))

    facts = GateFacts(run.run.root, StepId(incumbent) if incumbent else None, measured)
    for impl in run.plugins.manager.hook.gome_validate.get_hookimpls():
        arguments = {"solution": solution, "verdict": verdict, "facts": facts}
        changed: Verdict | None = impl.function(*(arguments[name] for name in impl.argnames))  # type: ignore[assignment]
        if changed is not None and changed.kind is VerdictKind.VETOED:
            return changed
    return verdict
