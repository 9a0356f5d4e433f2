from collections.abc import Iterator
from pathlib import Path

import pytest

from gome_graph.graph.nodes.execute import execute_node
from gome_graph.graph.services import RunServices
from gome_graph.graph.trials import RunTrials
from gome_graph.records import Component, Hypothesis, Solution, Stage, StepId, TraceId, VerdictKind
from tests.behaviours import bugs
from tests.reasoners.llm.line import SCRIPT


@pytest.fixture
def services(tmp_path: Path) -> Iterator[RunServices]:
    opened = bugs.opened(tmp_path)
    yield opened
    opened.close()


def test_a_script_is_tried_once_a_step_and_stage(services: RunServices) -> None:
    trials = RunTrials(services)
    counting = SCRIPT + "\nwith open('output/count', 'a') as file:\n    file.write('x')\n"
    first, second = trials.run(0, 1, counting, Stage.SMOKE), trials.run(0, 1, counting, Stage.SMOKE)
    assert first.ok
    assert first == second
    assert [path.read_text() for path in services.run.root.glob("steps/t0-1/trials/*/work/output/count")] == ["x"]
    assert services.run.steps() == [] or services.run.step("t0-1").solution() is None, "a trial is no step"


def test_a_trial_says_what_is_wrong_and_keeps_the_log(services: RunServices) -> None:
    trial = RunTrials(services).run(0, 1, "raise KeyError('colour')\n", Stage.SMOKE)
    assert (trial.kind, trial.reason) == (VerdictKind.CRASHED, "The script ended with KeyError: 'colour'")
    assert "Traceback" in trial.execution.log_tail


def test_without_time_left_nothing_is_run(services: RunServices) -> None:
    services.budget.total = 0.1
    trial = RunTrials(services).run(0, 1, SCRIPT, Stage.SMOKE)
    assert trial.kind is VerdictKind.STOPPED
    assert not list(services.run.root.glob("steps/t0-1/trials/*/work"))


WRITES_STAGES = (
    SCRIPT
    + """
import os
with open("stages", "a") as file:
    file.write(os.environ["GOME_STAGE"] + " ")
"""
)


def stages_of_step(services: RunServices, tried: str) -> str:
    """The stages that a step's script, said to take long, went through in its workspace after `tried` was tried out."""
    assert RunTrials(services).run(0, 1, tried, Stage.SMOKE).execution.ok
    folder = services.run.step("t0-1")
    folder.save("hypothesis", Hypothesis(title="t", rationale="r", component=Component.MODEL, cost_seconds=60.0))
    folder.write_solution(Solution(step=StepId("t0-1"), trace=TraceId(0), script=WRITES_STAGES))
    execute_node({"run_dir": str(services.run.root), "trace": 0, "step": 1})
    execution = folder.execution()
    assert execution is not None
    assert (execution.outcome.value, execution.stage) == ("ok", Stage.FULL)
    return (folder.workspace / "stages").read_text()


def test_a_script_that_was_tried_out_is_not_run_on_few_rows_again(services: RunServices) -> None:
    assert stages_of_step(services, WRITES_STAGES) == "full "


def test_a_script_changed_since_its_trial_is_run_on_few_rows_first(services: RunServices) -> None:
    assert stages_of_step(services, WRITES_STAGES + "# before a change\n") == "smoke full "
