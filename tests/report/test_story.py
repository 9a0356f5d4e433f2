"""The journal folded into a view."""

from pathlib import Path

from fake_run import FakeRun, build

from gome_graph.records import EventKind, VerdictKind
from gome_graph.report.story import RunView, fold, story_of
from gome_graph.run import Journal, RunDirectory


def test_folding_the_journal_gives_what_the_live_view_ended_with(tmp_path: Path) -> None:
    live = RunView()
    fake = FakeRun(tmp_path / "run")
    fake.journal._observers.append(live.apply)
    fake.start()
    fake.steps(6)
    fake.finish()
    assert fold(fake.run.events()) == live


def test_folding_any_prefix_never_fails(finished: RunDirectory) -> None:
    events = list(finished.events())
    for count in range(len(events)):
        view = fold(events[:count])
        assert view.judged <= len(view.steps)


def test_a_finished_run_is_told_in_full(finished: RunDirectory) -> None:
    view = fold(finished.events())
    assert (view.phase, view.status, view.chosen) == ("ended", "done", "t0-6")
    assert view.baseline is not None
    assert view.final is not None
    assert view.final.better_than(view.baseline)
    assert view.baseline_step == "t0-0"
    assert view.judged == 24
    assert view.accepted == 9
    assert [t.ended for t in view.traces] == ["the budget for steps is used up"] * 3
    assert view.higher_is_better is False


def test_a_step_knows_its_whole_story(finished: RunDirectory) -> None:
    step = fold(finished.events()).find("t0-2")
    assert step is not None
    assert step.parent == step.base == "t0-0"
    assert step.hypothesis is not None
    assert step.diagnosis is not None
    assert step.execution is not None
    assert step.execution.error_class == "ValueError"
    assert step.verdict is not None
    assert step.verdict.kind is VerdictKind.CRASHED
    assert not step.accepted


def test_a_trace_says_what_it_is_doing(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path / "run", traces=1)
    view = RunView()
    fake.journal._observers.append(view.apply)
    fake.start()
    doings = [view.traces[0].doing]
    fake.begin(0, 0)
    doings.append(view.traces[0].doing)
    fake.execute(0, 0, VerdictKind.ACCEPTED)
    doings.append(view.traces[0].doing)
    fake.judge(0, 0, VerdictKind.ACCEPTED, 0.46)
    doings.append(view.traces[0].doing)
    assert doings == ["drafting", "executing", "validating", "diagnosing"]


def test_a_resumed_run_is_running_again(finished: RunDirectory) -> None:
    journal = Journal(finished, lambda: 400.0)
    journal.add(EventKind.RESUMED, spent_seconds=300.0)
    journal.close()
    view = fold(finished.events())
    assert (view.resumed, view.status, view.phase) == (1, None, "running")


def test_a_run_resumed_after_its_end_keeps_its_result(finished: RunDirectory) -> None:
    journal = Journal(finished, lambda: 400.0)
    journal.add(EventKind.RESUMED, spent_seconds=300.0)
    journal.close()
    view = story_of(finished)
    assert (view.phase, view.status, view.chosen) == ("ended", "done", "t0-6")
    with finished.lock():
        assert story_of(finished).status is None


def test_a_diagnosis_without_a_script_is_no_step_in_hand(tmp_path: Path) -> None:
    run = build(tmp_path / "run", traces=1, per_trace=1, finished=False)
    journal = Journal(run, lambda: 200.0)
    diagnosis = {"cause": "c", "direction": "d", "component": "model"}
    journal.add(EventKind.DIAGNOSED, trace=0, step="t0-1", diagnosis=diagnosis, findings=[])
    journal.add(EventKind.TRACE_ENDED, trace=0, reason="nothing is left to try", steps=1)
    journal.close()
    step = fold(run.events()).find("t0-1")
    assert step is not None
    assert step.title == "no step: nothing is left to try"


def test_views_of_a_crashed_run_stand_on_what_is_there(crashed: RunDirectory) -> None:
    view = fold(crashed.events())
    assert view.status is None
    assert view.phase == "running"
    assert view.best_step == "t0-0"
