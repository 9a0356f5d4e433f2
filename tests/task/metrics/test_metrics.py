"""Metrics agree with scikit-learn, with and without weights, and keep the promises of `Metric`."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from gome_graph.errors import TaskError
from gome_graph.task import find_metric, metric_names


def labels(seed, n=300, k=4):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    return truth, np.where(rng.random(n) < 0.6, truth, rng.integers(0, k, n))


def matrix(seed, n=300, k=4):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    p = rng.random((n, k)) + np.eye(k)[truth]
    return truth, p / p.sum(1, keepdims=True)


def scores(seed, n=300):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    return truth, np.clip(np.round(truth * 0.3 + rng.random(n) * 0.7, 2), 0, 1)


def numbers(seed, n=300):
    rng = np.random.default_rng(seed)
    truth = np.exp(rng.normal(size=n))
    return truth, truth * np.exp(rng.normal(size=n) * 0.4)


def rms(loss):
    return lambda t, p, sample_weight=None: np.sqrt(np.average(loss(t, p), weights=sample_weight))


SKLEARN = [
    ("accuracy", labels, sk.accuracy_score),
    ("balanced_accuracy", labels, sk.balanced_accuracy_score),
    ("f1_micro", labels, lambda t, p, **k: sk.f1_score(t, p, average="micro", **k)),
    ("f1_macro", labels, lambda t, p, **k: sk.f1_score(t, p, average="macro", **k)),
    ("f1_weighted", labels, lambda t, p, **k: sk.f1_score(t, p, average="weighted", **k)),
    ("f1", lambda s: labels(s, k=2), sk.f1_score),
    ("mcc", labels, sk.matthews_corrcoef),
    ("qwk", labels, lambda t, p, **k: sk.cohen_kappa_score(t, p, weights="quadratic", **k)),
    ("roc_auc", scores, sk.roc_auc_score),
    ("average_precision", scores, sk.average_precision_score),
    ("log_loss", scores, sk.log_loss),
    ("log_loss", matrix, sk.log_loss),
    ("rmse", numbers, sk.root_mean_squared_error),
    ("mse", numbers, sk.mean_squared_error),
    ("rmsle", numbers, sk.root_mean_squared_log_error),
    ("rmse_log", numbers, rms(lambda t, p: (np.log(t) - np.log(p)) ** 2)),
    ("mae", numbers, sk.mean_absolute_error),
    ("mape", numbers, sk.mean_absolute_percentage_error),
    ("smape", numbers, lambda t, p, sample_weight=None: np.average(200 * abs(t - p) / (t + p), weights=sample_weight)),
    ("r2", numbers, sk.r2_score),
    ("pinball", numbers, sk.mean_pinball_loss),
    ("pinball_0.9", numbers, lambda t, p, **k: sk.mean_pinball_loss(t, p, alpha=0.9, **k)),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "data", "reference"), SKLEARN, ids=[f"{row[0]}-{i}" for i, row in enumerate(SKLEARN)])
def test_metric_agrees_with_scikit_learn(name, data, reference, seed):
    truth, prediction = data(seed)
    weights = np.random.default_rng(seed).integers(1, 5, len(truth)).astype(float)

    assert find_metric(name).score(truth, prediction) == pytest.approx(reference(truth, prediction), rel=1e-9)
    assert find_metric(name).score(truth, prediction, weights) == pytest.approx(
        reference(truth, prediction, sample_weight=weights), rel=1e-9
    )


@pytest.mark.parametrize("seed", range(3))
def test_one_vs_rest_auc_agrees_with_scikit_learn(seed):
    truth, p = matrix(seed)
    assert find_metric("roc_auc_ovr").score(truth, p) == pytest.approx(sk.roc_auc_score(truth, p, multi_class="ovr"), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_correlations_agree_with_scipy(seed):
    from scipy import stats

    truth, prediction = numbers(seed)
    prediction = np.round(prediction, 1)  # with ties
    assert find_metric("pearson").score(truth, prediction) == pytest.approx(stats.pearsonr(truth, prediction)[0], rel=1e-9)
    assert find_metric("spearman").score(truth, prediction) == pytest.approx(stats.spearmanr(truth, prediction)[0], rel=1e-9)


def test_multilabel_forms_agree_with_scikit_learn():
    rng = np.random.default_rng(5)
    truth, p = rng.integers(0, 2, (200, 3)), rng.random((200, 3))
    hard = (p > 0.5).astype(int)

    assert find_metric("roc_auc").score(truth, p) == pytest.approx(sk.roc_auc_score(truth, p))
    assert find_metric("average_precision").score(truth, p) == pytest.approx(sk.average_precision_score(truth, p))
    assert find_metric("log_loss").score(truth, p) == pytest.approx(np.mean([sk.log_loss(truth[:, i], p[:, i]) for i in range(3)]))
    for average in ("micro", "macro", "weighted"):
        assert find_metric(f"f1_{average}").score(truth, hard) == pytest.approx(sk.f1_score(truth, hard, average=average))


def test_several_targets_are_averaged_column_by_column():
    truth, p = np.abs(np.random.default_rng(0).normal(size=(2, 50, 3)))
    one = find_metric("rmsle")
    assert one.score(truth, p) == pytest.approx(np.mean([one.score(truth[:, i], p[:, i]) for i in range(3)]))
    assert one.row_losses(truth, p) is None
    assert find_metric("mae").row_losses(truth, p).mean() == pytest.approx(find_metric("mae").score(truth, p))


def test_balanced_log_loss_weighs_classes_alike():
    truth = np.array([0] * 90 + [1] * 10)
    p = np.where(truth == 1, 0.5, 0.1)
    assert find_metric("log_loss_balanced").score(truth, p) == pytest.approx((-np.log(0.9) - np.log(0.5)) / 2)


def test_texts_and_rankings():
    words = find_metric("jaccard_words")
    assert words.score(np.array(["a b c", ""]), np.array(["B c d", ""])) == pytest.approx((2 / 4 + 1) / 2)
    ranking = find_metric("MAP@3")
    assert ranking.score(np.array(["x", "x", "x"]), np.array(["x y z", "y x z", "a b c x"])) == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert ranking.score(np.array(["x y"]), np.array(["x x y"])) == pytest.approx((1 + 2 / 3) / 2)


def example(name, seed, n=40):
    """Encoded arrays that suit any metric."""
    metric = find_metric(name)
    if metric.prediction == "label":
        return labels(seed, n, 2 if name == "f1" else 3)
    if metric.prediction == "number":
        return numbers(seed, n)
    if metric.prediction in {"text", "ranking"}:
        rng = np.random.default_rng(seed)
        return tuple(np.array([" ".join(rng.choice(list("abcd"), 2)) for _ in range(n)]) for _ in range(2))
    return matrix(seed, n, 3) if name == "roc_auc_ovr" else scores(seed, n)


BOUNDS = {"mcc": (-1, 1), "qwk": (-1, 1), "pearson": (-1, 1), "spearman": (-1, 1), "r2": (-np.inf, 1)}


@pytest.mark.parametrize("name", metric_names())
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_weights_count_rows_and_order_does_not_matter(name, seed):
    metric = find_metric(name)
    truth, prediction = example(name, seed)
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, len(truth))
    order = rng.permutation(len(truth))
    plain = metric.score(truth, prediction)

    assert metric.score(truth[order], prediction[order]) == pytest.approx(plain, rel=1e-9, abs=1e-12)
    repeated = metric.score(np.repeat(truth, weights, axis=0), np.repeat(prediction, weights, axis=0))
    assert metric.score(truth, prediction, weights.astype(float)) == pytest.approx(repeated, rel=1e-9, abs=1e-12, nan_ok=True)
    low, high = BOUNDS.get(name, (0, 1 if metric.higher_is_better else np.inf))
    assert low - 1e-12 <= plain <= high + 1e-12


@pytest.mark.parametrize("name", metric_names())
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_score_is_the_function_of_the_mean_row_loss_that_it_claims_to_be(name, seed):
    metric = find_metric(name)
    truth, prediction = example(name, seed)
    losses = metric.row_losses(truth, prediction)

    if losses is None:
        with pytest.raises(NotImplementedError):
            metric.from_mean_loss(0.5)
        return
    assert losses.shape == (len(truth),)
    assert metric.from_mean_loss(float(losses.mean())) == pytest.approx(metric.score(truth, prediction), rel=1e-9, abs=1e-12)
    better, worse = metric.from_mean_loss(0.1), metric.from_mean_loss(0.2)
    assert (better > worse) is metric.higher_is_better


def test_which_metrics_decompose():
    built_in = [name for name in metric_names() if not name.startswith("test_")]  # other tests may have registered theirs
    decomposed = {name for name in built_in if find_metric(name).row_losses(*example(name, 0)) is not None}
    assert decomposed == {
        "accuracy", "log_loss", "rmse", "mse", "rmsle", "rmse_log", "mae", "mape", "smape", "r2", "f1_micro", "jaccard_words", "pinball",
        "map_at_5",
    }  # fmt: skip


@pytest.mark.parametrize("name", metric_names())
def test_perfect_predictions_are_best(name):
    metric = find_metric(name)
    truth, prediction = example(name, 1)
    if metric.prediction == "ranking":
        truth = prediction = np.array(["a b", "c d"])
    perfect = np.eye(3)[truth] if prediction.ndim == 2 else truth
    best = metric.score(truth, perfect)
    assert best == pytest.approx(1.0 if metric.higher_is_better else 0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "truth", "prediction"),
    [
        ("roc_auc", [1, 1], [0.1, 0.2]),
        ("average_precision", [0, 0], [0.1, 0.2]),
        ("r2", [1.0, 1.0], [1.0, 2.0]),
        ("pearson", [1.0, 2.0], [3.0, 3.0]),
        ("spearman", [1.0, 2.0], [3.0, 3.0]),
        ("qwk", [2, 2], [2, 2]),
        ("rmsle", [1.0, 2.0], [1.0, -0.5]),
        ("rmse_log", [1.0, 2.0], [1.0, 0.0]),
    ],
)
def test_undefined_is_nan_not_an_exception(name, truth, prediction):
    assert np.isnan(find_metric(name).score(np.array(truth), np.array(prediction)))


@pytest.mark.parametrize("name", metric_names())
def test_no_rows_are_undefined(name):
    truth, prediction = example(name, 0)
    with np.errstate(all="ignore"):
        assert np.isnan(find_metric(name).score(truth[:0], prediction[:0]))


def test_scores_are_fast_enough_for_a_bootstrap():
    rng = np.random.default_rng(0)
    truth, prediction, weights = rng.integers(0, 2, 10_000), rng.random(10_000), rng.poisson(1.0, 10_000).astype(float)
    metric = find_metric("roc_auc")
    metric.score(truth, prediction, weights)
    spent = []
    for _ in range(9):
        start = time.process_time()
        metric.score(truth, prediction, weights)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.003


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("multi-class log loss", "log_loss"),
        ("quadratic weighted kappa", "qwk"),
        ("micro F1 (= accuracy)", "f1_micro"),
        ("RMSE of log price", "rmse_log"),
        ("mean column-wise RMSLE", "rmsle"),
        ("mean ROC AUC of 7 targets", "roc_auc"),
        ("AUC", "roc_auc"),
        ("Area Under the ROC Curve", "roc_auc"),
        ("one-vs-rest ROC AUC", "roc_auc_ovr"),
        ("R^2", "r2"),
        ("Matthews correlation coefficient", "mcc"),
        ("Word-level Jaccard", "jaccard_words"),
        ("MAP@7", "map_at_7"),
        ("pinball 0.9", "pinball_0.9"),
        ("Balanced log loss", "log_loss_balanced"),
        ("Spearman's rho", "spearman"),
        ("accuracy (higher is better)", "accuracy"),
        ("root mean squared logarithmic error", "rmsle"),
    ],
)
def test_metrics_are_found_by_the_names_people_write(written, canonical):
    assert find_metric(written).name == canonical
    assert find_metric(canonical).name == canonical


def test_unknown_metric_names_the_closest():
    with pytest.raises(TaskError, match=r"Unknown metric 'acuracy'; the closest are accuracy, "):
        find_metric("acuracy")
