"""A person has the word: pause, pin, veto, hint; each in the journal, each surviving the process."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gome_graph.graph import resume, start
from gome_graph.records import EventKind, VerdictKind
from gome_graph.run import Action, Decision, Hint, RunDirectory, RunResult, RunSettings, Wish, WishKind, append_line
from gome_graph.task import load_task
from tests.graph.conftest import PlannedReasoner, width

Plan = Callable[[Callable[[int, int], str | None]], PlannedReasoner]


def begin(folder: Path, out: Path, **settings: Any) -> RunResult:
    values = {"budget_seconds": 90, "traces": 1, "reasoner": "planned", "memory": "none", "audit": 0.0, **settings}
    return start(load_task(folder), RunSettings.model_validate(values), out=out)


def when(run: Path, trace: int, step: int, act: Callable[[RunDirectory], None], scripts: list[str]) -> Callable[[int, int], str | None]:
    """A plan that does something to the run when it is asked for a step."""

    def plan(asked_trace: int, asked: int) -> str | None:
        if (asked_trace, asked) == (trace, step):
            act(RunDirectory.open(run))
        return scripts[asked] if asked < len(scripts) else None

    return plan


def kinds(run: Path) -> list[EventKind]:
    return [event.kind for event in RunDirectory.open(run).events()]


def verdicts(run: Path) -> dict[str, VerdictKind]:
    opened = RunDirectory.open(run)
    return {name: verdict.kind for name in opened.steps() if (verdict := opened.step(name).verdict())}


SCRIPTS = [width(1.0), width(0.6), width(0.3)]


def test_a_paused_run_goes_on_where_it_stood(plan: Plan, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    reasoner = plan(when(out, 0, 1, lambda run: run.pause_path.touch(), SCRIPTS))
    paused = begin(folder, out)
    opened = RunDirectory.open(out)
    assert (paused.status, paused.exit_code, paused.step) == ("paused", 130, "t0-1")
    assert paused.first_score is not None
    assert list(verdicts(out)) == ["t0-0", "t0-1"]
    assert "result" not in opened.record()
    assert opened.submission_path.exists()

    done = resume(out, decision=Decision(hints=[Hint(text="narrower")]))
    assert done.status == "done"
    assert list(verdicts(out)) == ["t0-0", "t0-1", "t0-2"]
    assert reasoner.seen[-1].hints == ["narrower"]
    seen = kinds(out)
    assert seen.index(EventKind.PAUSED) < seen.index(EventKind.DECIDED) < seen.index(EventKind.HINT)
    assert seen.count(EventKind.PAUSED) == 1


def test_a_paused_run_can_be_finished_at_once(plan: Plan, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    plan(when(out, 0, 1, lambda run: run.pause_path.touch(), SCRIPTS))
    begin(folder, out)
    done = resume(out, decision=Decision(action=Action.FINISH))
    assert (done.status, done.step, list(verdicts(out))) == ("done", "t0-1", ["t0-0", "t0-1"])


def test_the_clock_stands_still_while_a_run_is_paused(plan: Plan, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    plan(when(out, 0, 1, lambda run: run.pause_path.touch(), SCRIPTS[:2]))
    paused = begin(folder, out)
    began = time.monotonic()
    time.sleep(3)
    done = resume(out)
    assert done.spent_seconds - paused.spent_seconds <= time.monotonic() - began - 2.5


def test_a_review_asks_before_the_result_is_chosen(plan: Plan, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    plan(lambda trace, step: SCRIPTS[step] if step < 2 else None)
    assert begin(folder, out, review=True, traces=2).status == "paused"
    assert EventKind.FINALISING not in kinds(out)
    done = resume(out, decision=Decision(pin="t1-0", veto=["t0-1"]))
    assert (done.status, done.step, done.reason) == ("done", "t1-0", "pinned by the user")
    assert verdicts(out)["t0-1"] is VerdictKind.VETOED


def test_who_asks_for_more_gets_what_promises_little(plan: Plan, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    reasoner = plan(lambda trace, step: SCRIPTS[step] if step < 2 or (step == 2 and reasoner.seen[-1].insisted) else None)
    begin(folder, out, review=True)
    assert not any(context.insisted for context in reasoner.seen)

    again = resume(out, decision=Decision(action=Action.CONTINUE))

    assert again.status == "paused"
    assert list(verdicts(out)) == ["t0-0", "t0-1", "t0-2"]
    done = resume(out, decision=Decision(action=Action.FINISH))
    assert (done.status, done.ended) == ("done", "nothing is left that the reasoner would try")


def test_a_vetoed_step_takes_with_it_what_was_built_on_it(plan: Plan, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    wish = Wish(kind=WishKind.VETO, step="t0-1", reason="looks ahead")
    reasoner = plan(when(out, 0, 2, lambda run: append_line(run.wishes_path, wish), [*SCRIPTS, width(0.2)]))
    done = begin(folder, out)
    reasons = {name: RunDirectory.open(out).step(name).verdict() for name in ("t0-1", "t0-2")}
    assert [v.kind for v in reasons.values() if v] == [VerdictKind.VETOED] * 2
    assert [v.reason for v in reasons.values() if v] == ["vetoed by the user: looks ahead", "built on t0-1, which was vetoed"]
    after = next(context for context in reasoner.seen if context.step == 3)
    assert after.incumbent is not None
    assert after.incumbent.step == "t0-0"
    assert (done.step, verdicts(out)["t0-3"]) == ("t0-3", VerdictKind.ACCEPTED)


def test_nothing_is_handed_out_once_all_is_vetoed(plan: Plan, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    plan(lambda trace, step: SCRIPTS[step] if step < 2 else None)
    begin(folder, out, review=True)
    done = resume(out, decision=Decision(veto=["t0-0"]))
    assert (done.status, done.step) == ("failed", None)
    assert not (out / "submission.csv").exists()
