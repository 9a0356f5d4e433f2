"""Medal shares and improving steps, on runs and journals made by hand."""

import math
from typing import Any

import medals
import pytest
from journal_steps import Steps, count


def run(task: str, seed: int, medal: str | None = None, *, above: bool = False, thresholds: bool = True) -> dict[str, Any]:
    return {"task": task, "seed": seed, "medal": medal, "above_median": above, "valid": True, "has_thresholds": thresholds}


def test_shares_are_taken_within_a_seed_then_averaged() -> None:
    runs = [run("a", 0, "gold"), run("b", 0), run("a", 1, "bronze"), run("b", 1, "silver", above=True)]
    found = medals.shares(runs)
    assert found["any medal"].mean == pytest.approx(75)
    assert found["any medal"].error == pytest.approx(25)  # 50 and 100: SD 35.36, over the root of two seeds
    assert {name: found[name].mean for name in ("gold", "silver", "bronze")} == {"gold": 25, "silver": 25, "bronze": 25}


def test_tasks_without_thresholds_do_not_dilute() -> None:
    found = medals.shares([run("a", 0, "gold"), run("b", 0, thresholds=False)])
    assert found["any medal"].mean == 100
    assert math.isnan(found["any medal"].error)
    assert medals.shares([run("b", 0, thresholds=False)]) == {}


def test_tasks_that_a_seed_lacks_are_named() -> None:
    assert medals.uneven([run("a", 0), run("b", 0), run("a", 1)]) == ["b"]


def started(step: str, parent: str | None) -> dict[str, Any]:
    return {"kind": "step_started", "step": step, "data": {"parent": parent}}


def judged(step: str, kind: str) -> dict[str, Any]:
    return {"kind": "validated", "step": step, "data": {"verdict": {"kind": kind}}}


def test_accepted_drafts_are_no_improvement_and_unfinished_steps_do_not_count() -> None:
    events = [started("t0-0", None), judged("t0-0", "accepted"), started("t0-1", "t0-0"), judged("t0-1", "rejected"),
              started("t0-2", "t0-0"), judged("t0-2", "accepted"), started("t0-3", "t0-2")]  # fmt: skip
    found = count(events)
    assert found == Steps(drafts=1, after=2, improving=1)
    assert found.share == 0.5
    assert str(found + found) == "2 of 4 (50 %)"
