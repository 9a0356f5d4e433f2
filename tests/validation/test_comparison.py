"""Accept what is really better, not what is luckier."""

import numpy as np
import pytest

from gome_graph.task import find_metric
from gome_graph.validation.comparison import compare, posterior
from gome_graph.validation.policy import ValidationPolicy

POLICY = ValidationPolicy()


def numbers(error: float, rows: int = 800, seed: int = 0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows) * 3
    return truth, truth + error * rng.normal(size=rows), np.arange(rows) % 5


def test_a_clear_improvement_is_accepted():
    truth, old, folds = numbers(1.0)
    result = compare(find_metric("rmse"), truth, truth + 0.8 * (old - truth), old, folds)
    assert result.accepted
    assert result.gain > 0
    assert result.p_better > 0.99


def test_the_same_predictions_are_no_improvement():
    truth, old, folds = numbers(1.0)
    result = compare(find_metric("rmse"), truth, old, old, folds)
    assert not result.accepted
    assert (result.gain, result.gain_in_noise, result.p_better) == (0.0, 0.0, 0.0)


def test_a_worse_solution_is_refused_with_a_negative_gain():
    truth, old, folds = numbers(1.0)
    result = compare(find_metric("rmse"), truth, truth + 1.2 * (old - truth), old, folds)
    assert not result.accepted
    assert result.gain_in_noise < -3


def test_gain_in_noise_does_not_change_with_scale_or_direction():
    truth, old, folds = numbers(1.0)
    new = truth + 0.97 * (old - truth)
    plain = compare(find_metric("mae"), truth, new, old, folds)
    thousand = compare(find_metric("mae"), truth * 1000, new * 1000, old * 1000, folds)
    assert plain.gain_in_noise == pytest.approx(thousand.gain_in_noise, rel=1e-6)
    assert plain.p_better == pytest.approx(thousand.p_better, abs=1e-6)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", "spearman"])
def test_equally_good_numbers_are_seldom_accepted(metric):
    accepted = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=400)
        shared = 0.5 * rng.normal(size=400)
        new, old = (truth + shared + 0.2 * rng.normal(size=400) for _ in range(2))
        accepted += compare(find_metric(metric), truth, new, old, np.arange(400) % 5).accepted
    assert accepted <= 14  # 5 % of 120 are 6; more than 14 has a chance of 0.2 %


@pytest.mark.parametrize("metric", ["accuracy", "f1", "balanced_accuracy", "roc_auc", "log_loss"])
def test_equally_good_classifiers_are_seldom_accepted(metric):
    accepted = 0
    rule = find_metric(metric)
    for seed in range(120):
        rng = np.random.default_rng(seed)
        truth = (rng.random(400) < 0.35).astype(np.int64)
        shared = 1.5 * truth - 0.7 + 0.8 * rng.normal(size=400)
        scores = [1 / (1 + np.exp(-(shared + 0.4 * rng.normal(size=400)))) for _ in range(2)]
        new, old = [(s > 0.5).astype(np.int64) if rule.prediction == "label" else s for s in scores]
        accepted += compare(rule, truth, new, old, np.arange(400) % 5).accepted
    assert accepted <= 14


def test_what_moves_a_whole_fold_raises_the_error():
    truth, old, folds = numbers(1.0)
    even = truth + 0.97 * (old - truth)
    uneven = truth + np.where(folds == 0, 0.85, 1.0) * (old - truth)
    steady, shaky = (compare(find_metric("rmse"), truth, new, old, folds) for new in (even, uneven))
    assert steady.gain == pytest.approx(shaky.gain, rel=0.3)
    assert shaky.gain_error > 1.3 * steady.gain_error
    assert shaky.p_better < steady.p_better


def test_a_near_tie_goes_to_the_cheaper_solution():
    truth, old, folds = numbers(1.0)
    new = old + 1e-4 * np.random.default_rng(5).normal(size=len(old))
    cheap = compare(find_metric("rmse"), truth, new, old, folds, cost_new=20, cost_old=100)
    same_cost = compare(find_metric("rmse"), truth, new, old, folds, cost_new=95, cost_old=100)
    assert cheap.accepted
    assert cheap.near_tie
    assert not same_cost.accepted


def test_a_cheaper_but_worse_solution_is_refused():
    truth, old, folds = numbers(1.0)
    result = compare(find_metric("rmse"), truth, truth + 1.1 * (old - truth), old, folds, cost_new=1, cost_old=100)
    assert not result.accepted


def test_milliseconds_saved_are_no_reason():
    truth, old, folds = numbers(1.0)
    new = old + 1e-4 * np.random.default_rng(5).normal(size=len(old))
    assert not compare(find_metric("rmse"), truth, new, old, folds, cost_new=0.5, cost_old=2.0).accepted


def test_a_difference_below_the_practical_one_is_not_accepted_however_sure():
    truth, old, folds = numbers(1.0)
    result = compare(find_metric("rmse"), truth, truth + (1 - 1e-5) * (old - truth), old, folds)
    assert result.gain_in_noise > 3
    assert not result.accepted


def test_the_threshold_lies_where_the_docstring_says():
    needed = next(z for z in np.arange(0, 4, 0.01) if posterior(z, 1.0, 0.0, POLICY.null_share, POLICY.slab_width)[0] >= 0.8)
    assert 1.6 < needed < 1.8


def test_p_better_grows_with_the_gain():
    found = [posterior(z, 1.0, 0.1, 0.2, 2.0)[0] for z in (-3, -1, 0, 1, 2, 3, 10)]
    assert found == sorted(found)
    assert found[0] < 0.01
    assert found[-1] > 0.99
