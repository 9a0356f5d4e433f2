from collections.abc import Iterator
from pathlib import Path

import pytest

from gome_graph.graph.services import RunServices
from gome_graph.graph.trials import RunTrials
from gome_graph.records import Stage, VerdictKind
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
