"""Bad input: one sentence, exit code 2, no traceback, nothing left behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gome_graph.run import RunDirectory


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "no-such-folder"], "no-such-folder"),
        (["run", ".", "--budget", "0"], "--budget '0'"),
        (["run", ".", "--budget", "-5m"], "--budget '-5m'"),
        (["run", ".", "--budget", "soon"], "10m"),
        (["run", ".", "--budgte", "10m"], "--budget"),
        (["run", ".", "--traces", "0"], "--traces"),
        (["run", ".", "--traces", "three"], "--traces"),
        (["run", ".", "--seed", "-1"], "--seed"),
        (["rnu", "."], "run"),
        (["demo", "--budget", "0s"], "--budget"),
        (["resume", "nowhere"], "nowhere is not a run directory"),
        (["show", "nowhere"], "nowhere is not a run directory"),
        (["show"], "RUN"),
        (["diff", "nowhere"], "nowhere"),
        (["report", "nowhere"], "nowhere"),
        (["grade", "nowhere"], "nowhere"),
        (["stop", "nowhere"], "nowhere"),
        (["instruct", "nowhere", "try trees"], "nowhere"),
        (["runs", "nowhere"], "nowhere is not a folder"),
        (["init", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(gome: Callable[..., Any], tmp_path: Path, arguments: list[str], words: str) -> None:
    said = gome(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert words in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("budget", ["90", "90s", "10m", "1h30m", "1h", "2m5s", " 1 H 30 M ", "1.5m"])
def test_budgets_people_write_are_understood(budget: str) -> None:
    from gome_graph.cli.options import parse_duration

    wanted = {"90": 90, "90s": 90, "10m": 600, "1h30m": 5400, "1h": 3600, "2m5s": 125, " 1 H 30 M ": 5400, "1.5m": 90}
    assert parse_duration(budget) == wanted[budget]


@pytest.mark.parametrize("budget", ["", "m", "10x", "nan", "inf", "1m1h", "--", "1e3", "0m0s"])
def test_nonsense_budgets_are_refused(budget: str) -> None:
    from gome_graph.cli.options import parse_duration
    from gome_graph.errors import TaskError

    with pytest.raises(TaskError, match="--budget"):
        parse_duration(budget)


def test_errors_are_json_for_machines(gome: Callable[..., Any]) -> None:
    said = gome("show", "nowhere", "--json")
    assert said.code == 2
    value = json.loads(said.out)
    assert value["exit_code"] == 2
    assert "nowhere" in value["error"]


def test_a_traceback_is_shown_only_with_debug(gome: Callable[..., Any]) -> None:
    assert "Traceback" not in gome("show", "nowhere").err
    assert "Traceback" in gome("show", "nowhere", "--debug").err


def test_an_error_inside_gome_says_where_its_traceback_is(gome: Callable[..., Any], finished: RunDirectory) -> None:
    finished.journal_path.write_text("{}\n", encoding="utf-8")
    said = gome("show", finished.root)
    assert said.code == 1
    assert len(said.err.strip().splitlines()) == 1
    where = Path(said.err.rpartition(" ")[2].strip())
    assert "Traceback" in where.read_text(encoding="utf-8")
    where.unlink()


def test_an_error_inside_a_run_leaves_its_traceback_with_the_run(gome: Callable[..., Any], tmp_path: Path) -> None:
    from gome_graph.cli.app import _explain
    from gome_graph.cli.running import carry_out

    def begin(observers: object, stopped: object) -> Any:
        raise ZeroDivisionError("a planted fault")

    with pytest.raises(ZeroDivisionError) as caught:
        carry_out(begin, tmp_path)
    assert _explain(caught.value) == 1
    assert "a planted fault" in (tmp_path / "crash.log").read_text(encoding="utf-8")


def test_a_step_that_is_not_there_suggests_one_that_is(gome: Callable[..., Any], finished: RunDirectory) -> None:
    said = gome("show", finished.root, "bset")
    assert said.code == 2
    assert "did you mean best?" in said.err
