"""Looking at runs: runs, show, diff, report."""

import json
from collections.abc import Callable
from typing import Any

from fake_run import HOSTILE

from gome_graph.run import RunDirectory


def test_runs_lists_what_is_below_runs(gome: Callable[..., Any], finished: RunDirectory, crashed: RunDirectory) -> None:
    said = gome("runs")
    assert said.code == 0
    assert "runs/spaceship-1" in said.out
    assert "done" in said.out
    assert "crashed" in said.out
    assert "0.45600 ± 0.00510" in said.out


def test_a_live_run_is_called_live(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    with crashed.lock():
        rows = json.loads(gome("runs", "--json").out)
    assert [row["status"] for row in rows] == ["live"]


def test_runs_without_any_says_how_to_start(gome: Callable[..., Any]) -> None:
    said = gome("runs")
    assert said.code == 0
    assert "gome run TASK" in said.out


def test_top_keeps_the_best_of_a_task(gome: Callable[..., Any], finished: RunDirectory, crashed: RunDirectory) -> None:
    rows = json.loads(gome("runs", "--top", "1", "--json").out)
    assert [row["run"] for row in rows] == ["runs/spaceship-1"]


def test_a_damaged_run_does_not_hide_the_others(gome: Callable[..., Any], finished: RunDirectory, crashed: RunDirectory) -> None:
    crashed.record_path.write_text("{", encoding="utf-8")
    rows = {row["run"]: row["status"] for row in json.loads(gome("runs", "--json").out)}
    assert rows == {"runs/spaceship-1": "done", "runs/spaceship-2": "damaged"}


def test_show_tells_the_run(gome: Callable[..., Any], finished: RunDirectory) -> None:
    said = gome("show", finished.root)
    assert said.code == 0
    assert "t0-3 ★" in said.out
    for word in ("accepted", "not better", "crashed", "leak", "baseline", "audit"):
        assert word in said.out


def test_show_tells_a_step_with_evidence_patch_and_verdict(gome: Callable[..., Any], finished: RunDirectory) -> None:
    said = gome("show", finished.root, "best")
    assert said.code == 0
    for words in ("t0-3", "slices.0.excess = 0.31", "P(better) 96 %", "+ROUNDS = 250", "✓ format", "momentum", "wrong if"):
        assert words in said.out


def test_step_can_be_named_by_option_too(gome: Callable[..., Any], finished: RunDirectory) -> None:
    assert gome("show", finished.root, "--step", "baseline").out == gome("show", finished.root, "t0-0").out


def test_show_prints_the_script_alone(gome: Callable[..., Any], finished: RunDirectory) -> None:
    assert gome("show", finished.root, "--script").out.rstrip() == finished.solution_path.read_text(encoding="utf-8").rstrip()


def test_a_hostile_log_cannot_steer_the_terminal(gome: Callable[..., Any], finished: RunDirectory) -> None:
    assert "\x1b" in HOSTILE
    said = gome("show", finished.root, "t0-2")
    assert "alert('owned')" in said.out
    assert "\x1b" not in said.out


def test_show_gives_machines_the_records(gome: Callable[..., Any], finished: RunDirectory) -> None:
    value = json.loads(gome("show", finished.root, "best", "--json").out)
    assert value["verdict"]["kind"] == "accepted"
    assert value["solution"]["step"] == "t0-3"
    whole = json.loads(gome("show", finished.root, "--json").out)
    assert len(whole["steps"]) == 15


def test_diff_compares_best_with_baseline(gome: Callable[..., Any], finished: RunDirectory) -> None:
    said = gome("diff", finished.root)
    assert "-ROUNDS = 100" in said.out
    assert "+ROUNDS = 250" in said.out
    assert json.loads(gome("diff", finished.root, "--step", "t0-1", "--against", "t0-1", "--json").out)["diff"] == ""


def test_report_writes_the_page_and_says_where(gome: Callable[..., Any], crashed: RunDirectory) -> None:
    said = gome("report", crashed.root)
    assert said.out == "runs/spaceship-2/report.html\n"
    assert crashed.report_path.stat().st_size > 10_000
    assert gome("report", crashed.root, "--quiet").out == said.out
