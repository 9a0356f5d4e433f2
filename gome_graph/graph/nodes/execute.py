"""execute: run the step's script in the sandbox, a small stage first where a full run is expensive."""

from typing import Any

from gome_graph.diagnosis import TELEMETRY, read_telemetry
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import TraceState
from gome_graph.records import EventKind, Execution, Hypothesis, Outcome, ScriptJob, Stage, step_id
from gome_graph.run import StepDirectory

SMOKE_WORTH_SECONDS = 15.0
"""A smoke run costs about as much as starting Python and its libraries (2 to 4 s); below this it would not pay."""


def run_script(run: RunServices, folder: StepDirectory, stage: Stage, *, seed: int, cpus: int, wall: float, parallel: int) -> Execution:
    """One contained run of a workspace's script on the input of a stage."""
    kept = stage is Stage.FULL and seed == run.settings.seed
    script = (folder.workspace / "solution.py").read_text(encoding="utf-8")
    if kept:
        run.kept.lend(folder.workspace, script)
    job = ScriptJob(
        workspace=folder.workspace, input_dir=run.prepared.input_dir(stage), stage=stage, seed=seed, cpus=cpus,
        limits=run.limits(wall, parallel),
    )  # fmt: skip
    execution = run.executor.run(job, run.stopped)
    run.kept.collect(folder.workspace, script, ok=kept and execution.ok)
    taken = sum(fold.seconds or 0.0 for fold in read_telemetry(folder.output / TELEMETRY).folds if fold.kept) if kept else 0.0
    return execution.model_copy(update={"kept_seconds": round(taken, 3)})


def execute_node(state: TraceState) -> dict[str, Any]:
    """Run the script once; a step that has been run is not run again."""
    run = services(state["run_dir"])
    name = step_id(state["trace"], state["step"])
    folder = run.run.step(name)
    execution = folder.execution()
    if execution is None:
        execution = _execute(run, folder)
        folder.save("execution", execution)
    run.journal.add(EventKind.EXECUTED, trace=state["trace"], step=name, execution=execution.model_dump(mode="json"))
    return {"latest": name}


def _execute(run: RunServices, folder: StepDirectory) -> Execution:
    limit = run.budget.step_limit()
    if limit <= 0 or run.stopped():
        return Execution(outcome=Outcome.STOPPED, stage=Stage.FULL, seed=run.settings.seed, detail="the budget for steps was used up")
    expected = Hypothesis.model_validate(folder.load("hypothesis")).cost_seconds
    cpus, parallel, seed = run.cpus_per_trace, run.settings.traces, run.settings.seed
    if expected >= SMOKE_WORTH_SECONDS and not _smoked(folder):
        smoke = run_script(run, folder, Stage.SMOKE, seed=seed, cpus=cpus, wall=limit, parallel=parallel)
        if not smoke.ok:
            return unless_cut_off(run, smoke)
    execution = run_script(run, folder, Stage.FULL, seed=seed, cpus=cpus, wall=run.budget.step_limit(), parallel=parallel)
    return unless_cut_off(run, execution)


def _smoked(folder: StepDirectory) -> bool:
    """Whether this very script has run through a smoke stage already, while it was written."""
    trial = folder.trial(Stage.SMOKE.value, (folder.workspace / "solution.py").read_text(encoding="utf-8")).execution()
    return trial is not None and trial.ok


def unless_cut_off(run: RunServices, execution: Execution) -> Execution:
    """The execution, called stopped where the run's end cut it off."""
    budget_ended = execution.outcome is Outcome.TIMED_OUT and run.budget.for_steps() <= 0.5
    if budget_ended:
        # Cut off by the run's end, not by its own slowness: says nothing about the script.
        return execution.model_copy(update={"outcome": Outcome.STOPPED, "detail": "cut off: the budget for steps was used up"})
    return execution
