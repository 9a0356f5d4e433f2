import json
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gome_graph.errors import RunError
from gome_graph.graph import resume, start
from gome_graph.records import EventKind, VerdictKind
from gome_graph.run import RunDirectory, RunResult, RunSettings
from gome_graph.task import load_task
from tests.graph.conftest import CRASH, SLOW, PlannedReasoner, width

Plan = Callable[[Callable[[int, int], str | None]], PlannedReasoner]


def run(folder: Path, out: Path, **settings: object) -> RunResult:
    values = {"budget_seconds": 60, "traces": 1, "reasoner": "planned", "memory": "none", **settings}
    return start(load_task(folder), RunSettings.model_validate(values), out=out)


def kinds(out: Path) -> dict[str, VerdictKind]:
    opened = RunDirectory.open(out)
    return {name: verdict.kind for name in opened.steps() if (verdict := opened.step(name).verdict())}


def test_a_better_script_is_accepted_and_a_worse_one_is_not(plan: Plan, folder: Path, tmp_path: Path) -> None:
    scripts = [width(1.0), width(0.3), width(0.8)]
    plan(lambda trace, step: scripts[step] if step < 3 else None)
    result = run(folder, tmp_path / "run")
    assert kinds(tmp_path / "run") == {"t0-0": "accepted", "t0-1": "accepted", "t0-2": "not_better"}
    assert result.status == "done"
    assert result.step == "t0-1"
    assert result.first_score is not None
    assert result.score is not None
    assert result.score.value < result.first_score.value


def test_a_crash_is_diagnosed_from_the_crash_and_the_incumbent_stays(plan: Plan, folder: Path, tmp_path: Path) -> None:
    scripts = [width(1.0), CRASH, width(0.3)]
    reasoner = plan(lambda trace, step: scripts[step] if step < 3 else None)
    run(folder, tmp_path / "run")
    after_crash = reasoner.seen[1]
    assert after_crash.pack is not None
    assert after_crash.pack.step == "t0-1"
    assert after_crash.pack.execution.error_class == "ValueError"
    assert after_crash.incumbent is not None
    assert after_crash.incumbent.step == "t0-0"
    assert kinds(tmp_path / "run")["t0-2"] == "accepted"


def test_limits_of_the_task_hold_for_every_script(plan: Plan, folder: Path, tmp_path: Path) -> None:
    with (folder / "task.toml").open("a") as file:
        file.write("[limits]\nwall_seconds = 6\nmemory_mb = 1000\n")
    greedy = "x = bytearray(1_300_000_000)\n"
    scripts = [width(1.0).replace("noise =", "import time; time.sleep(30)\nnoise ="), greedy + width(1.0)]
    plan(lambda trace, step: scripts[step] if step < 2 else None)

    run(folder, tmp_path / "run", budget_seconds=40)

    assert list(kinds(tmp_path / "run").values())[:2] == [VerdictKind.TIMED_OUT, VerdictKind.OUT_OF_MEMORY]


def test_a_reasoner_is_told_what_the_task_allows_a_script(plan: Plan, folder: Path, tmp_path: Path) -> None:
    with (folder / "task.toml").open("a") as file:
        file.write("[limits]\nwall_seconds = 6\n")
    reasoner = plan(lambda trace, step: width(1.0) if step == 0 else None)

    run(folder, tmp_path / "run", max_steps=3)

    assert [context.time_limit for context in reasoner.seen] == [6.0]


def test_traces_do_not_wait_for_each_other(plan: Plan, folder: Path, tmp_path: Path) -> None:
    slow = SLOW.replace("60", "20") + width(1.0)
    plan(lambda trace, step: slow if (trace, step) == (0, 0) else width(1.0 - step / 10) if trace == 1 and step < 4 else None)
    run(folder, tmp_path / "run", traces=2)
    seen = [(e.kind, e.step) for e in RunDirectory.open(tmp_path / "run").events()]
    assert seen.index((EventKind.VALIDATED, "t1-3")) < seen.index((EventKind.VALIDATED, "t0-0"))


def test_a_trace_that_cannot_draft_ends_and_the_others_go_on(plan: Plan, folder: Path, tmp_path: Path) -> None:
    plan(lambda trace, step: None if step > 2 else CRASH if trace == 0 else width(0.5))
    result = run(folder, tmp_path / "run", traces=2)
    assert result.status == "done"
    assert [k for name, k in kinds(tmp_path / "run").items() if name.startswith("t0")] == ["crashed"] * 3


def test_a_fault_in_a_node_ends_its_trace_alone(plan: Plan, folder: Path, tmp_path: Path) -> None:
    def scripts(trace: int, step: int) -> str | None:
        if trace == 0 and step == 1:
            raise RuntimeError("planned fault")
        return width(1.0 - step / 10) if step < 2 else None

    plan(scripts)
    result = run(folder, tmp_path / "run", traces=2)
    assert result.status == "done"
    assert kinds(tmp_path / "run")["t1-1"] == "accepted"
    assert "planned fault" in (tmp_path / "run" / "crash.log").read_text()


def test_no_valid_solution_is_said(plan: Plan, folder: Path, tmp_path: Path) -> None:
    plan(lambda trace, step: CRASH)
    result = run(folder, tmp_path / "run")
    assert (result.status, result.exit_code, result.step) == ("failed", 1, None)
    assert not (tmp_path / "run" / "submission.csv").exists()


def test_the_budget_holds_even_against_an_endless_script(plan: Plan, folder: Path, tmp_path: Path) -> None:
    plan(lambda trace, step: width(1.0) if step == 0 else SLOW)
    began = time.monotonic()
    result = run(folder, tmp_path / "run", budget_seconds=20)
    assert time.monotonic() - began <= 20 * 1.01 + 1.0
    assert result.spent_seconds <= 20 * 1.01 + 1.0
    assert (tmp_path / "run" / "submission.csv").exists()


def test_the_submission_is_made_with_the_audit_rows_back_in_train(plan: Plan, folder: Path, tmp_path: Path) -> None:
    plan(lambda trace, step: width(0.0) if step == 0 else None)
    run(folder, tmp_path / "run")
    final = tmp_path / "run" / "final" / "fit" / "work" / "output"
    assert len(pd.read_csv(final / "oof.csv")) == 600
    submission = pd.read_csv(tmp_path / "run" / "submission.csv")
    assert list(submission["id"]) == list(range(600, 800))


def test_an_ended_run_is_not_resumed(plan: Plan, folder: Path, tmp_path: Path) -> None:
    plan(lambda trace, step: width(0.0) if step == 0 else None)
    run(folder, tmp_path / "run")
    with pytest.raises(RunError, match="ended already"):
        resume(tmp_path / "run")


def test_siblings_are_seen_with_what_they_have(plan: Plan, folder: Path, tmp_path: Path) -> None:
    slow = SLOW.replace("60", "5") + width(1.0)
    reasoner = plan(lambda trace, step: None if step > 0 else slow if trace == 0 else width(1.0))
    run(folder, tmp_path / "run", traces=2)
    late = next(context for context in reasoner.seen if context.trace == 0)
    assert [(s.trace, s.incumbent is not None) for s in late.siblings] == [(1, True)]


def test_state_is_json(plan: Plan, folder: Path, tmp_path: Path) -> None:
    plan(lambda trace, step: width(0.0) if step == 0 else None)
    run(folder, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert 'metric = "rmse"' in (tmp_path / "run" / "task.toml").read_text()
    assert record["result"]["status"] == "done"
    assert record["protections"]["mechanism"]


def test_a_stopped_run_goes_on_from_where_it_was(plan: Plan, folder: Path, tmp_path: Path) -> None:
    reasoner = plan(lambda trace, step: width(1.0 - step / 10) if step < 4 else None)
    out = tmp_path / "run"
    stopped = start(
        load_task(folder),
        RunSettings(budget_seconds=60, traces=1, reasoner="planned", memory="none"),
        out=out,
        stopped=lambda: any(context.step >= 2 for context in reasoner.seen),
    )
    assert stopped.status == "stopped"
    assert (out / "submission.csv").exists()
    before = {name: kind for name, kind in kinds(out).items() if kind is not VerdictKind.STOPPED}
    reasoner.seen.clear()
    result = resume(out)
    after = kinds(out)
    assert result.status == "done"
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
    assert result.accepted >= 3
