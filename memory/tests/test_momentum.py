"""The ranking as pure functions: the formula, its invariances, ties and sampling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome_memory.momentum import GAMMA, Candidate, choose, rank, weight

cosines = st.floats(-1, 1)
gains = st.floats(-20, 20)
steps = st.integers(0, 500)


@st.composite
def memories(draw: st.DrawFn) -> list[Candidate]:
    width = draw(st.integers(1, 3))
    rows = draw(st.lists(st.tuples(st.booleans(), gains, st.lists(cosines, min_size=width, max_size=width)), min_size=1, max_size=30))
    return [Candidate(f"k{i:02d}", success, gain, tuple(values)) for i, (success, gain, values) in enumerate(rows)]


def test_gamma_halves_similarity_after_thirty_steps() -> None:
    assert math.exp(-GAMMA * 30) == pytest.approx(0.5)


@given(cosines, gains, steps)
def test_weight_is_the_published_formula(similarity: float, gain: float, taken: int) -> None:
    assert weight(similarity, gain, taken) == pytest.approx(similarity * math.exp(-math.log(2) / 30 * taken) + math.tanh(gain))


@given(cosines, gains, gains, steps)
def test_more_gain_never_weighs_less(similarity: float, one: float, other: float, taken: int) -> None:
    low, high = sorted((one, other))
    assert weight(similarity, low, taken) <= weight(similarity, high, taken)


@given(cosines, gains, steps, steps)
def test_more_steps_never_raise_the_part_of_similarity(similarity: float, gain: float, one: int, other: int) -> None:
    early, late = sorted((one, other))
    part = math.tanh(gain)
    assert abs(weight(similarity, gain, late) - part) <= abs(weight(similarity, gain, early) - part) + 1e-12


@given(memories(), steps, st.sampled_from([1000.0, -1.0, 1e-6, -250.0]))
def test_rescaling_or_flipping_the_metric_changes_nothing(memory: list[Candidate], taken: int, factor: float) -> None:
    # A metric times `factor` moves the gain and its standard error alike; the direction is already in the gain's sign.
    rng = np.random.default_rng(0)
    errors = {item.key: float(rng.uniform(1e-3, 10)) for item in memory}
    rescaled = []
    for item in memory:
        raw_gain, error = item.gain_in_noise * errors[item.key] * abs(factor), errors[item.key] * abs(factor)
        rescaled.append(Candidate(item.key, item.success, round(raw_gain / error, 9), item.similarities))
    rounded = [Candidate(item.key, item.success, round(item.gain_in_noise, 9), item.similarities) for item in memory]
    assert rank(rescaled, taken) == rank(rounded, taken)


@given(memories(), steps)
def test_shares_of_successes_add_up_to_one_and_failures_have_none(memory: list[Candidate], taken: int) -> None:
    ranked = rank(memory, taken)
    total = sum(item.probability for item in ranked if item.success)
    assert total == pytest.approx(1.0 if any(item.success for item in ranked) else 0.0)
    assert all(item.probability == 0 for item in ranked if not item.success)


@given(memories(), steps, st.randoms(use_true_random=False))
def test_the_order_of_reading_changes_nothing(memory: list[Candidate], taken: int, random: object) -> None:
    shuffled = list(memory)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(rank(shuffled, taken), 3) == choose(rank(memory, taken), 3)


def test_ties_go_by_key() -> None:
    same = [Candidate(key, True, 1.0, (0.5,)) for key in ("c", "a", "b")]
    assert [item.key for item in rank(same, 0)] == ["a", "b", "c"]


@given(memories(), steps, st.integers(-(2**63), 2**63))
def test_choice_holds_the_best_and_nothing_twice(memory: list[Candidate], taken: int, seed: int) -> None:
    ranked = rank(memory, taken)
    successes, failures = choose(ranked, seed)
    names = [item.key for item in successes]
    count = sum(item.success for item in ranked)
    assert len(names) == len(set(names)) == min(3, count)
    assert names[:1] == [item.key for item in ranked if item.success][:1]
    assert [item.weight for item in successes] == sorted((item.weight for item in successes), reverse=True)
    assert len(failures) == min(8, len(ranked) - count)


def test_samples_follow_the_softmax() -> None:
    memory = [
        Candidate("best", True, 5.0, (1.0,)),
        Candidate("likely", True, 0.8, (0.5,)),
        *(Candidate(f"n{i}", True, -3.0, (-1.0,)) for i in range(4)),
    ]
    ranked = rank(memory, 0)
    drawn = [choose(ranked, seed)[0][1].key for seed in range(400)]
    # The likely one has exp(0.5 + tanh 0.8) against four of exp(-1 - tanh 3): about .89 of each of two draws.
    assert drawn.count("likely") / 400 > 0.9


def test_without_a_hypothesis_gain_alone_counts() -> None:
    ranked = rank([Candidate("a", True, 0.5, ()), Candidate("b", True, 2.0, ())], 10)
    assert [(item.key, item.weight) for item in ranked] == [("b", math.tanh(2.0)), ("a", math.tanh(0.5))]


def test_failures_go_by_similarity_not_by_gain() -> None:
    memory = [Candidate("near", False, -9.0, (0.9,)), Candidate("far", False, 3.0, (0.1,))]
    assert [item.key for item in choose(rank(memory, 0), 0)[1]] == ["near", "far"]
