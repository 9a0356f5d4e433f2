"""The standard errors agree with a bootstrap, whatever the metric."""

import numpy as np
import pytest

from gome_graph.task import find_metric
from gome_graph.validation.influence import influence, variance
from gome_graph.validation.scoring import score_predictions

ROWS = 600


def sample(metric: str, rng: np.random.Generator, rows: int = ROWS):
    """Truth and an imperfect prediction in the metric's encoding."""
    rule = find_metric(metric)
    noise = rng.normal(size=rows)
    if rule.prediction == "number":
        truth = rng.lognormal(1, 0.5, size=rows)
        return truth, truth * np.exp(0.3 * noise)
    if metric in ("f1_macro", "balanced_accuracy", "qwk"):
        truth = rng.choice(4, size=rows, p=[0.4, 0.3, 0.2, 0.1])
        return truth, np.clip(np.round(truth + 0.7 * noise), 0, 3).astype(np.int64)
    truth = (rng.random(rows) < 0.3).astype(np.int64)
    chance = 1 / (1 + np.exp(-(1.5 * truth - 1 + noise)))
    return truth, (chance > 0.5).astype(np.int64) if rule.prediction == "label" else chance


def bootstrap_error(metric: str, truth, prediction, draws: int = 400) -> float:
    rng = np.random.default_rng(7)
    rule = find_metric(metric)
    values = []
    for _ in range(draws):
        rows = rng.integers(0, len(truth), len(truth))
        values.append(rule.score(truth[rows], prediction[rows]))
    return float(np.std(values))


@pytest.mark.parametrize(
    "metric",
    ["accuracy", "f1", "f1_macro", "balanced_accuracy", "mcc", "qwk", "roc_auc", "average_precision",
     "log_loss", "log_loss_balanced", "rmse", "rmsle", "mae", "r2", "spearman", "pearson"],
)  # fmt: skip
def test_standard_error_agrees_with_the_bootstrap(metric):
    truth, prediction = sample(metric, np.random.default_rng(1))
    folds = np.arange(ROWS) % 5
    score = score_predictions(find_metric(metric), truth, prediction, folds)
    expected = bootstrap_error(metric, truth, prediction)
    # Blocks (40) estimate a standard error to 11 %, the bootstrap (400 draws) to 4 %.
    assert 0.7 * expected < score.standard_error < 1.4 * expected
    assert score.value == pytest.approx(find_metric(metric).score(truth, prediction))
    assert len(score.by_fold) == 5


@pytest.mark.parametrize("metric", ["roc_auc", "rmse", "f1", "average_precision"])
def test_influences_of_rows_add_up_to_nothing(metric):
    truth, prediction = sample(metric, np.random.default_rng(2))
    found = influence(find_metric(metric), truth, prediction, np.arange(ROWS) % 5)
    assert abs(found.rows.mean()) < 1e-9 * max(1.0, float(np.abs(found.rows).max()))


def test_auc_over_targets_pairs_rows_across_targets():
    rng = np.random.default_rng(3)
    truth = (rng.random((ROWS, 3)) < 0.4).astype(np.int64)
    prediction = 1 / (1 + np.exp(-(truth + rng.normal(size=truth.shape))))
    found = influence(find_metric("roc_auc"), truth, prediction, np.arange(ROWS) % 5)
    assert found.value == pytest.approx(find_metric("roc_auc").score(truth, prediction))
    assert found.units is None


def test_errors_cluster_by_group():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(60), 10)
    truth = rng.normal(size=600)
    prediction = truth + np.repeat(rng.normal(size=60), 10)
    by_rows = score_predictions(find_metric("mae"), truth, prediction, groups % 5)
    by_groups = score_predictions(find_metric("mae"), truth, prediction, groups % 5, groups)
    assert by_groups.standard_error > 2 * by_rows.standard_error


def test_a_fold_without_positives_is_left_out_of_by_fold():
    truth = np.array([0, 1] * 20 + [0] * 10)
    prediction = np.linspace(0, 1, 50)
    score = score_predictions(find_metric("roc_auc"), truth, prediction, np.arange(50) // 10)
    assert len(score.by_fold) == 4


def test_variance_of_one_unit_a_row_is_the_textbook_one():
    losses = np.array([1.0, 2.0, 4.0, 9.0])
    assert variance(losses - losses.mean(), None) == pytest.approx(losses.var(ddof=1) / 4)
