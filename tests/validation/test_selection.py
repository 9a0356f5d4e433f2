"""Final selection: not the luckiest, not the last, not the dearest of equals."""

from dataclasses import replace

import pytest

from gome_graph.records import Score, StepId
from gome_graph.validation.selection import FinalCandidate, Measurement, choose_final, top_k


def score(value: float, *, error: float = 0.01, rows: int = 1000, folds: tuple[float, ...] = (), higher: bool = True) -> Score:
    return Score(metric="m", higher_is_better=higher, value=value, standard_error=error, by_fold=list(folds), rows=rows)


def candidate(
    name: str, validation: list[float], audit: list[float], *, seconds: float = 10, accepted: int = 0, higher: bool = True
) -> FinalCandidate:
    found = [
        Measurement(seed, score(v, higher=higher), score(a, error=0.03, rows=110, higher=higher))
        for seed, (v, a) in enumerate(zip(validation, audit, strict=True))
    ]
    return FinalCandidate(StepId(name), 0, found, seconds=seconds, accepted=accepted)


def test_the_clearly_better_one_wins():
    choice = choose_final([candidate("a", [0.80, 0.80], [0.80, 0.80]), candidate("b", [0.85, 0.85], [0.85, 0.85])])
    assert choice.step == "b"
    assert choice.mean > 0.8


def test_the_direction_of_the_metric_is_respected():
    choice = choose_final([candidate("a", [0.5], [0.5], higher=False), candidate("b", [0.4], [0.4], higher=False)])
    assert choice.step == "b"
    assert choice.mean < 0.5


def test_a_validation_score_that_audit_denies_loses():
    honest = candidate("honest", [0.83, 0.83, 0.83], [0.83, 0.83, 0.83])
    lucky = candidate("lucky", [0.833, 0.833, 0.833], [0.70, 0.70, 0.70], accepted=8)
    assert choose_final([honest, lucky, candidate("third", [0.829], [0.829])]).step == "honest"


def test_many_accepted_steps_count_against_a_hair_of_lead():
    few = candidate("few", [0.830], [0.83], accepted=1)
    many = candidate("many", [0.8305], [0.83], accepted=20)
    assert choose_final([few, many]).step == "few"


def test_equal_candidates_go_to_the_cheaper_one():
    choice = choose_final([candidate("dear", [0.83], [0.83], seconds=100), candidate("cheap", [0.83], [0.83], seconds=5)])
    assert choice.step == "cheap"
    assert "cheaper" in choice.reason


def test_a_tie_does_not_go_back_to_what_was_improved_on_nor_to_a_hair_cheaper():
    better, parent = candidate("better", [0.8301], [0.83], seconds=100), candidate("parent", [0.83], [0.83], seconds=5)
    assert choose_final([replace(better, beaten=frozenset({StepId("parent")})), parent]).step == "better"
    assert choose_final([better, parent]).step == "parent"
    assert choose_final([better, replace(parent, seconds=90)]).step == "better"


def test_one_candidate_is_chosen_without_ado():
    assert choose_final([candidate("only", [0.8], [0.8])]).step == "only"


def test_no_candidate_is_an_error():
    with pytest.raises(ValueError, match="no candidate"):
        choose_final([])


def test_missing_audit_scores_do_not_matter():
    bare = [FinalCandidate(StepId(n), 0, [Measurement(0, score(v))]) for n, v in (("a", 0.8), ("b", 0.9))]
    assert choose_final(bare).step == "b"


def test_top_k_takes_the_best_and_one_of_another_family():
    scored = [(StepId(n), score(v)) for n, v in (("a", 0.90), ("b", 0.899), ("c", 0.898), ("d", 0.89), ("e", 0.5))]
    families = {StepId(n): f for n, f in zip("abcde", ["boosting", "boosting", "boosting", "linear", "neighbours"], strict=True)}
    assert top_k(scored, 3) == ["a", "b", "c"]
    assert top_k(scored, 3, families=families) == ["a", "b", "d"]


def test_top_k_follows_the_direction():
    scored = [(StepId("a"), score(0.2, higher=False)), (StepId("b"), score(0.1, higher=False))]
    assert top_k(scored, 1) == ["b"]
