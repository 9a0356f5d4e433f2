"""Ranks, noise and intervals of the benchmark's tables, on cells made by hand."""

from typing import Any

import comparison
import pytest


def cell(task: str, system: str, score: float | None, *, seed: int = 0, higher: bool = True, sd: float = 0.01) -> dict[str, Any]:
    return {"task": task, "system": system, "seed": seed, "score": score, "sd": None if score is None else sd, "metric": "auc",
            "higher_is_better": higher}  # fmt: skip


def test_ties_share_the_mean_rank_and_failures_come_last() -> None:
    infinite = float("inf")
    assert comparison.ranks({"a": 1.0, "b": 2.0, "c": 1.0}) == {"a": 1.5, "b": 3.0, "c": 1.5}
    assert comparison.ranks({"a": infinite, "b": 2.0, "c": infinite}) == {"a": 2.5, "b": 1.0, "c": 2.5}


@pytest.mark.parametrize("higher", [True, False])
def test_rank_follows_the_direction_of_the_metric(higher: bool) -> None:
    (row,) = comparison.rows([cell("t", "a", 0.9, higher=higher), cell("t", "b", 0.8, higher=higher)], ["a", "b"])
    assert row.rank["a"] == (1 if higher else 2)
    assert row.normalised() == ({"a": 1.0, "b": 0.0} if higher else {"a": 0.0, "b": 1.0})


def test_only_seeds_that_all_systems_have_count() -> None:
    cells = [cell("t", "a", 0.9), cell("t", "b", 0.8), cell("t", "a", 0.1, seed=1)]
    (row,) = comparison.rows(cells, ["a", "b"])
    assert row.seeds == (0,)
    assert row.score["a"] == 0.9


def test_ranks_are_taken_within_a_seed_before_the_mean() -> None:
    cells = [cell("t", s, v, seed=k) for k, pair in enumerate([(0.9, 0.8), (0.1, 0.8)]) for s, v in zip("ab", pair, strict=True)]
    (row,) = comparison.rows(cells, ["a", "b"])
    assert row.rank == {"a": 1.5, "b": 1.5}


def test_a_failed_seed_fails_the_score_and_is_counted() -> None:
    (row,) = comparison.rows([cell("t", "a", None), cell("t", "b", 0.8)], ["a", "b"])
    assert row.failed == {"a": 1, "b": 0}
    assert row.normalised() == {"a": 0.0, "b": 1.0}
    assert row.behind("a", ("b",)) == float("inf")
    assert row.behind("b", ("a",)) == float("-inf")


def test_behind_is_counted_in_noise_of_the_best_system() -> None:
    (row,) = comparison.rows([cell("t", "a", 0.90, sd=0.5), cell("t", "b", 0.93, sd=0.02)], ["a", "b"])
    assert row.behind("a", ("b",)) == pytest.approx(1.5)
    assert comparison.wins([row], "a", "b") == (0, 0, 1)
    assert comparison.wins([row], "b", "a") == (1, 0, 0)


def test_interval_is_of_the_mean_over_tasks_and_repeatable() -> None:
    found = comparison.paired([-1.0, 0.0, -2.0, 1.0, -1.0, -1.5, 0.5, -1.0])
    assert found.mean == pytest.approx(-0.625)
    assert found.low < -0.625 < found.high
    assert found == comparison.paired([-1.0, 0.0, -2.0, 1.0, -1.0, -1.5, 0.5, -1.0])
    assert comparison.paired([-1.0] * 5) == comparison.Difference(-1.0, -1.0, -1.0)
