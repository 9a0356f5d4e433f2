"""Behaviour 3: scale-free ranking, concurrent writers, no failed idea again. Figures: benchmarks/behaviours.py."""

from pathlib import Path

import pytest

pytest.importorskip("gome_memory")

from gome_graph.records import Hypothesis
from tests.behaviours import repeats, units, writers
from tests.behaviours.budgets import repeats_in
from tests.behaviours.checks import Check


def figures(found: list[Check]) -> dict[str, float]:
    return {check.name: check.figure for check in found}


def missed(found: list[Check]) -> list[str]:
    return [check.line() for check in found if check.passed is False]


def test_neither_unit_nor_direction_of_a_metric_changes_noise_units_verdicts_or_rankings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "STEPS", 8)
    found = units.checks(tmp_path)
    assert missed(found) == []
    gains = found[0].facts["plain"]["rmse"]
    assert max(gains) - min(gains) > 1, "the steps must differ, or nothing was tested"


def test_another_gain_in_noise_does_change_the_ranking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "STEPS", 12)
    plain = units.experiences(units.verdicts(tmp_path / "steps", "rmse", units.number(1.0)))
    other = [item.model_copy(update={"gain_in_noise": -item.gain_in_noise}) for item in plain]
    assert units.recalls(tmp_path / "plain", plain) != units.recalls(tmp_path / "other", other)


def test_writers_side_by_side_lose_nothing_though_one_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "PROCESSES", 3)
    monkeypatch.setattr(writers, "EACH", 30)
    found = writers.checks(tmp_path)
    assert missed(found) == []
    assert "-9" in found[0].note


def test_no_trace_takes_up_again_what_it_has_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = ("binary table", "small")
    monkeypatch.setattr(repeats, "BRIEFS", {name: repeats.BRIEFS[name] for name in chosen})
    tally = repeats.tally(tmp_path, seeds=1, steps=10)
    assert tally.steps >= 40
    assert tally.counts["same trace"] == 0
    assert tally.counts["idea on an equivalent recipe"] / tally.steps <= 0.05


def event(kind: str, step: str, technique: str = "", verdict: str = "") -> dict[str, object]:
    hypothesis = Hypothesis(title=technique, rationale="", component="model", technique=technique or None).model_dump(mode="json")
    return {"kind": kind, "step": step, "data": {"hypothesis": hypothesis, "family": "linear", "verdict": {"kind": verdict}}}


def test_a_repeat_in_a_journal_is_counted() -> None:
    once = [event("step_started", "t0-1", "stack"), event("validated", "t0-1", verdict="not_better")]
    assert repeats_in([*once, event("step_started", "t0-2", "log")]) == (0, 1)
    assert repeats_in([*once, event("step_started", "t1-1", "stack")]) == (1, 1)
    assert repeats_in([event("step_started", "t0-1", "stack"), event("step_started", "t0-2", "stack")]) == (0, 0)
