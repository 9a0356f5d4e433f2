"""Talking to a run: stop, instruct; grading only after the end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gome_graph.run import RunDirectory, read_wishes


def test_stop_asks_a_live_run_to_end(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    with crashed.lock():
        said = gome("stop", crashed.root)
    assert said.code == 0
    assert crashed.stop_path.exists()


def test_stop_refuses_what_is_not_running(gome: Callable[..., Any], finished: RunDirectory) -> None:
    said = gome("stop", finished.root)
    assert said.code == 2
    assert "not running" in said.err
    assert not finished.stop_path.exists()


def test_instruct_appends_hints_in_order(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    assert gome("instruct", crashed.root, "try  trees").code == 0
    assert gome("instruct", crashed.root, "split Cabin", "--trace", "1").code == 0
    assert crashed.hints() == [{"trace": None, "text": "try trees"}, {"trace": 1, "text": "split Cabin"}]


@pytest.mark.parametrize(("arguments", "words"), [(["  "], "empty"), (["x", "--trace", "7"], "traces 0 to 2")])
def test_hints_for_nobody_are_refused(gome: Callable[..., Any], crashed: RunDirectory, arguments: list[str], words: str) -> None:
    said = gome("instruct", crashed.root, *arguments)
    assert said.code == 2
    assert words in said.err
    assert crashed.hints() == []


def test_a_hint_after_the_end_is_refused(gome: Callable[..., Any], finished: RunDirectory) -> None:
    assert gome("instruct", finished.root, "try trees").code == 2


def test_pause_asks_a_live_run_to_rest_and_refuses_others(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    said = gome("pause", crashed.root)
    assert said.code == 2
    assert "not running" in said.err
    with crashed.lock():
        assert gome("pause", crashed.root).code == 0
    assert crashed.pause_path.exists()


def test_pins_and_vetoes_are_noted_by_the_names_of_steps(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    best = next(name for name in crashed.steps() if (verdict := crashed.step(name).verdict()) and verdict.score)
    assert gome("pin", crashed.root, best, "--reason", "simple").code == 0
    assert gome("veto", crashed.root, best).code == 0
    assert [(wish.kind, wish.step, wish.reason) for wish in read_wishes(crashed.wishes_path)] == [
        ("pin", best, "simple"), ("veto", best, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("verb", ["pin", "veto"])
def test_a_wish_for_no_step_or_an_ended_run_is_refused(
    gome: Callable[..., Any], crashed: RunDirectory, finished: RunDirectory, verb: str
) -> None:
    said = gome(verb, crashed.root, "t9-9")
    assert said.code == 2
    assert "no step 't9-9'" in said.err
    assert gome(verb, finished.root, "best").code == 2
    assert not crashed.wishes_path.exists()


def test_only_a_paused_run_takes_an_answer(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    said = gome("resume", crashed.root, "--finish")
    assert said.code == 2
    assert "is not paused (status: crashed)" in said.err
    assert "exclude each other" in gome("resume", crashed.root, "--finish", "--more").err


def test_grading_waits_for_the_end(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    said = gome("grade", crashed.root)
    assert said.code == 2
    assert "has not ended" in said.err
    with crashed.lock():
        assert "gome stop" in gome("grade", crashed.root).err


def test_a_task_without_answers_cannot_be_graded(gome: Callable[..., Any], finished: RunDirectory) -> None:
    said = gome("grade", finished.root)
    assert said.code == 2
    assert "answers" in said.err


def test_grade_puts_test_validation_and_audit_side_by_side(
    gome: Callable[..., Any], finished: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gome_graph.task as task

    spec = {**finished.record()["task_spec"], "answers": str(tmp_path / "answers.csv")}
    finished.update_record(task_spec=spec)
    graded = {"score": 0.4512, "valid": True, "reason": "", "medal": "bronze", "above_median": True, "metric": "log_loss",
              "thresholds": {"gold": 0.44, "median": 0.46}}  # fmt: skip
    monkeypatch.setattr(task, "grade", lambda task, submission: graded, raising=False)
    said = gome("grade", finished.root)
    assert said.code == 0
    for words in ("0.4512", "bronze", "0.45600 ± 0.00510", "0.4600 ± 0.0152", "gold 0.44"):
        assert words in said.out
    assert json.loads((finished.root / "grade.json").read_text(encoding="utf-8"))["medal"] == "bronze"
