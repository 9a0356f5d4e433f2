"""Trying a script out on few rows before it becomes a step."""

from typing import TYPE_CHECKING

from gome_graph.graph.nodes.execute import run_script, unless_cut_off
from gome_graph.hooks import Trial
from gome_graph.records import Execution, Outcome, Solution, Stage, TraceId, step_id
from gome_graph.run import StepDirectory
from gome_graph.validation import validate

if TYPE_CHECKING:
    from gome_graph.graph.services import RunServices


class RunTrials:
    """Implements `Trials` for one run: workspaces below the step's folder, one a script and stage.

    Nothing of a trial but how it ended is passed on: no score, so a reasoner cannot climb on it.
    """

    def __init__(self, run: "RunServices") -> None:
        self._run = run

    def run(self, trace: int, step: int, script: str, stage: Stage) -> Trial:
        """Run `script`, or tell again what came of it."""
        run = self._run
        name = step_id(trace, step)
        folder = run.run.step(name).trial(stage.value, script)
        execution = folder.execution()
        if execution is None or execution.outcome is Outcome.STOPPED:
            execution = self._run_now(folder, Solution(step=name, trace=TraceId(trace), script=script), stage)
            folder.save("execution", execution)
        verdict = validate(run.prepared, folder.output, execution, stage=stage).verdict
        return Trial(execution, verdict.kind, "" if verdict.accepted else verdict.reason)

    def _run_now(self, folder: StepDirectory, solution: Solution, stage: Stage) -> Execution:
        run, wall, seed = self._run, self._run.budget.step_limit(), self._run.settings.seed
        if wall <= 0 or run.stopped():
            return Execution(outcome=Outcome.STOPPED, stage=stage, seed=seed, detail="the budget for steps was used up")
        folder.write_solution(solution)
        parallel = run.settings.traces
        return unless_cut_off(run, run_script(run, folder, stage, seed=seed, cpus=run.cpus_per_trace, wall=wall, parallel=parallel))
