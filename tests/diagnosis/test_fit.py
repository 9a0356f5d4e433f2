"""Symptoms of the fit: planted by really training something small, and absent where it is not there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import f1_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.diagnosis.worlds import FOLDS, World, execution, fold_lines, out_of_fold, pack_of, summary, symptoms

ROWS = 1_200


def classification(seed: int = 0, flip: float = 0.15, rows: int = ROWS) -> World:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    y = (x[:, 0] + 0.8 * x[:, 1] > 0) ^ (rng.random(rows) < flip)
    return World(pd.DataFrame(x, columns=list("abcd")), y.astype(int), "accuracy", prediction_kind="label")


def telemetry_of(world: World, fitted: list, inputs: np.ndarray, y: np.ndarray, name: str) -> list[dict]:
    folds = world.folds
    return [
        {"kind": "fold", "model": name, "fold": f, "train_score": own.score(inputs[folds != f], y[folds != f]),
         "valid_score": own.score(inputs[folds == f], y[folds == f])}
        for f, own in enumerate(fitted)
    ]  # fmt: skip


def test_a_full_tree_on_noisy_labels_is_overfit(tmp_path: Path) -> None:
    world = classification(flip=0.25)
    inputs = world.frame.to_numpy()
    labels, fitted = out_of_fold(DecisionTreeClassifier(random_state=0), inputs, world.codes, world.folds)
    data = world.measured(labels)

    found = symptoms(pack_of(tmp_path, world, data, telemetry=telemetry_of(world, fitted, inputs, world.codes, "tree")), data)

    assert found["overfit"].severity > 0.4
    assert "underfit" not in found


def test_a_linear_model_on_a_linear_world_is_neither_over_nor_underfit(tmp_path: Path) -> None:
    world = logistic()
    inputs = world.frame.to_numpy()
    labels, fitted = out_of_fold(LogisticRegression(), inputs, world.codes, world.folds)
    proba, _ = out_of_fold(LogisticRegression(), inputs, world.codes, world.folds, proba=True)
    data = world.measured(labels, probabilities=proba)

    found = symptoms(pack_of(tmp_path, world, data, telemetry=telemetry_of(world, fitted, inputs, world.codes, "logistic")), data)

    assert {"overfit", "underfit", "low_signal", "threshold"}.isdisjoint(found)
    assert "weak_slice" not in found or found["weak_slice"].severity < 0.3


def logistic(rows: int = ROWS) -> World:
    """Classes drawn from a logistic model: what is left is noise."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(rows, 4))
    p = 1 / (1 + np.exp(-(1.5 * x[:, 0] + x[:, 1])))
    return World(pd.DataFrame(x, columns=list("abcd")), (rng.random(rows) < p).astype(int), "accuracy", prediction_kind="label")


def regression(kind: str, rows: int = 2_000) -> World:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(rows, 4))
    mean = {"linear": 2 * x[:, 0] - x[:, 1], "curved": 3 * x[:, 0] ** 2 + x[:, 1], "crossed": 4 * np.sign(x[:, 0] * x[:, 1])}[kind]
    return World(pd.DataFrame(x, columns=list("abcd")), mean + rng.normal(size=rows) * 0.5, "rmse")


@pytest.mark.parametrize(("kind", "column"), [("curved", "a"), ("crossed", "b")])
def test_a_line_through_a_bent_world_is_underfit_and_the_column_is_named(tmp_path: Path, kind: str, column: str) -> None:
    world = regression(kind)
    numbers, _ = out_of_fold(LinearRegression(), world.frame.to_numpy(), world.y, world.folds)
    data = world.measured(numbers)

    found = symptoms(pack_of(tmp_path, world, data), data)

    assert column in found["underfit"].columns


def test_a_line_through_a_linear_world_is_not_underfit(tmp_path: Path) -> None:
    world = regression("linear")
    numbers, _ = out_of_fold(LinearRegression(), world.frame.to_numpy(), world.y, world.folds)
    data = world.measured(numbers)

    found = symptoms(pack_of(tmp_path, world, data), data)

    assert {"underfit", "residual_skew", "residual_outliers", "skewed_target", "low_signal"}.isdisjoint(found)


@pytest.mark.parametrize(("share", "expected"), [(0.5, True), (1.0, False), (1.3, False)])
def test_predictions_drawn_to_the_mean_are_underfit(tmp_path: Path, share: float, expected: bool) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 12))
    world = World(pd.DataFrame(x, columns=list("abcdefghijkl")), x.sum(axis=1) + rng.normal(size=ROWS), "rmse")
    data = world.measured(share * x.sum(axis=1))

    found = symptoms(pack_of(tmp_path, world, data), data)

    assert ("underfit" in found and "to the mean" in found["underfit"].summary) is expected


@pytest.mark.parametrize(("power", "words"), [(0.2, "not sure enough"), (6.0, "too sure")])
def test_the_lean_of_several_classes_is_named(tmp_path: Path, power: float, words: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 3))
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=row) for row in p])
    world = World(pd.DataFrame(x, columns=list("abc")), y, "log_loss", prediction_kind="probabilities")
    stated = p**power / (p**power).sum(axis=1, keepdims=True)
    data = world.measured(stated)

    assert words in symptoms(pack_of(tmp_path, world, data), data)["miscalibrated"].summary


def test_labels_alone_are_underfit_if_the_training_score_is_poor_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 2))
    world = World(pd.DataFrame(x, columns=["a", "b"]), (x[:, 0] * x[:, 1] > 0).astype(int), "accuracy", prediction_kind="label")
    labels, fitted = out_of_fold(LogisticRegression(), x, world.codes, world.folds)
    data = world.measured(labels)

    found = symptoms(pack_of(tmp_path, world, data, telemetry=telemetry_of(world, fitted, x, world.codes, "logistic")), data)

    assert found["underfit"].severity > 0.3


def test_a_fold_from_another_world_shows_as_fold_variance(tmp_path: Path) -> None:
    world = classification(flip=0.02)
    labels = world.codes.copy()
    odd = world.folds == 2
    labels[odd] = np.random.default_rng(0).integers(0, 2, odd.sum())
    data = world.measured(labels)

    assert symptoms(pack_of(tmp_path, world, data), data)["fold_variance"].severity > 0.3


@pytest.mark.parametrize("seed", range(5))
def test_equal_folds_show_no_fold_variance(tmp_path: Path, seed: int) -> None:
    world = classification(seed)
    data = world.measured((world.frame["a"] + 0.8 * world.frame["b"] > 0).to_numpy().astype(int))

    assert "fold_variance" not in symptoms(pack_of(tmp_path, world, data), data)


def rare(metric: str, kind: str = "label", rows: int = 3_000) -> tuple[World, np.ndarray]:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(rows, 3))
    p = 1 / (1 + np.exp(-(1.5 * x[:, 0] - 3.2)))
    world = World(pd.DataFrame(x, columns=list("abc")), (rng.random(rows) < p).astype(int), metric, prediction_kind=kind)
    proba, _ = out_of_fold(LogisticRegression(), x, world.codes, world.folds, proba=True)
    return world, proba


def test_a_rare_class_that_is_hardly_predicted_is_class_imbalance_under_f1(tmp_path: Path) -> None:
    world, proba = rare("f1")
    data = world.measured(proba.argmax(axis=1), probabilities=proba)

    found = symptoms(pack_of(tmp_path, world, data), data)

    assert found["class_imbalance"].severity > 0.4
    assert found["threshold"].severity > 0.1
    assert found["threshold"].evidence[0].value[0] < 0.4


def test_labels_cut_at_the_right_place_show_neither_threshold_nor_imbalance(tmp_path: Path) -> None:
    world, proba = rare("f1")
    cut = max(np.linspace(0.05, 0.5, 91), key=lambda t: f1_score(world.codes, proba[:, 1] > t))
    data = world.measured((proba[:, 1] > cut).astype(int), probabilities=proba)

    assert {"threshold", "class_imbalance"}.isdisjoint(symptoms(pack_of(tmp_path, world, data), data))


def test_accuracy_does_not_mind_a_rare_class(tmp_path: Path) -> None:
    world, proba = rare("accuracy")
    data = world.measured(proba.argmax(axis=1), probabilities=proba)

    assert {"threshold", "class_imbalance"}.isdisjoint(symptoms(pack_of(tmp_path, world, data), data))


def test_probabilities_pushed_to_the_ends_are_miscalibrated(tmp_path: Path) -> None:
    world, proba = rare("log_loss", "probability")
    odds = np.log(proba[:, 1] / proba[:, 0]) + 1.0
    data = world.measured(1 / (1 + np.exp(-3 * odds)))

    assert symptoms(pack_of(tmp_path, world, data), data)["miscalibrated"].severity > 0.15


def test_probabilities_of_a_fitting_model_are_calibrated(tmp_path: Path) -> None:
    world, proba = rare("log_loss", "probability")
    data = world.measured(proba[:, 1])

    assert {"miscalibrated", "underfit", "low_signal"}.isdisjoint(symptoms(pack_of(tmp_path, world, data), data))


def test_order_metrics_do_not_mind_calibration(tmp_path: Path) -> None:
    world, proba = rare("roc_auc", "probability")
    data = world.measured(proba[:, 1] ** 3)

    assert "miscalibrated" not in symptoms(pack_of(tmp_path, world, data), data)


def test_a_model_of_noise_has_low_signal(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    world = World(pd.DataFrame({"a": rng.normal(size=ROWS)}), rng.normal(size=ROWS), "rmse")
    numbers, _ = out_of_fold(DecisionTreeRegressor(max_depth=3, random_state=0), world.frame.to_numpy(), world.y, world.folds)
    data = world.measured(numbers)
    pack = pack_of(tmp_path, world, data)

    assert symptoms(pack, data)["low_signal"].severity > 0.9
    assert pack.trivial_score == pytest.approx(world.y.std(), rel=1e-6)


def test_a_solver_that_ran_out_of_iterations_is_unconverged(tmp_path: Path) -> None:
    world = classification()
    data = world.measured(world.codes)
    log = (
        "/usr/lib/x.py:12: ConvergenceWarning: lbfgs failed to converge after 20 iteration(s) (status=1):\n"
        "/usr/lib/x.py:12: ConvergenceWarning: lbfgs failed to converge after 21 iteration(s) (status=1):\n"
    )
    pack = pack_of(tmp_path, world, data, run=execution(log_tail=log))

    assert symptoms(pack, data)["unconverged"].severity == 0.5
    assert len(pack.warnings) == 1


def test_a_clean_log_is_not_unconverged(tmp_path: Path) -> None:
    world = classification()
    data = world.measured(world.codes)
    telemetry = fold_lines("logistic", 0.8, 0.8, iterations=40, max_iterations=1000)

    pack = pack_of(tmp_path, world, data, telemetry=telemetry, run=execution(log_tail="FutureWarning: x is deprecated\nfold 1 done"))

    assert "unconverged" not in symptoms(pack, data)


STOPPING = "model.fit(X, y, callbacks=[lgb.early_stopping(50)])"


@pytest.mark.parametrize(
    ("script", "iterations", "expected"), [(STOPPING, 100, True), (STOPPING, 60, False), ("model.fit(X, y)", 100, False)]
)
def test_boosting_at_its_cap_counts_only_where_it_stops_early(tmp_path: Path, script: str, iterations: int, expected: bool) -> None:
    world = classification()
    data = world.measured(world.codes, script)
    telemetry = fold_lines("lightgbm", 0.8, 0.8, iterations=iterations, max_iterations=100)

    assert ("early_stopping_capped" in symptoms(pack_of(tmp_path, world, data, telemetry=telemetry), data)) is expected


def test_one_model_is_single_and_two_are_not(tmp_path: Path) -> None:
    world = classification()
    data = world.measured(world.codes)

    one = symptoms(pack_of(tmp_path / "one", world, data, telemetry=fold_lines("ridge", 0.8, 0.8)), data)
    two = symptoms(pack_of(tmp_path / "two", world, data, telemetry=fold_lines("ridge", 0.8, 0.8) + fold_lines("knn", 0.8, 0.8)), data)

    assert "single_model" in one
    assert "single_model" not in two


def test_a_blend_that_rests_on_one_member_is_a_weak_ensemble(tmp_path: Path) -> None:
    world = classification()
    data = world.measured(world.codes)

    def found(first: float) -> bool:
        weights = {"kind": "weights", "weights": {"lightgbm": first, "linear": 1 - first}}
        return "weak_ensemble" in symptoms(pack_of(tmp_path / str(first), world, data, telemetry=[weights]), data)

    assert found(0.97)
    assert not found(0.6)


def test_three_refused_steps_are_a_plateau_and_two_are_not(tmp_path: Path) -> None:
    world = classification()
    data = world.measured(world.codes)
    start = summary(0, "accepted", None)

    three = symptoms(pack_of(tmp_path, world, data, history=[start, summary(1), summary(2), summary(3)]), data)
    two = symptoms(pack_of(tmp_path, world, data, history=[start, summary(1), summary(2), summary(3, "accepted", 2.0)]), data)

    assert three["plateau"].severity > 0.3
    assert "plateau" not in two


def test_changes_lost_in_noise_ask_for_several_seeds(tmp_path: Path) -> None:
    world = classification()
    lost = [summary(0, "accepted", None), summary(1, gain=0.4), summary(2, gain=-0.2)]
    one = world.measured(world.codes, "model = LGBMClassifier(random_state=0)")
    many = world.measured(world.codes, "SEEDS = [0, 1]\nmodels = [LGBMClassifier(random_state=s) for s in SEEDS]")

    assert "single_seed" in symptoms(pack_of(tmp_path, world, one, history=lost), one)
    assert "single_seed" not in symptoms(pack_of(tmp_path, world, many, history=lost), many)
    assert "single_seed" not in symptoms(pack_of(tmp_path, world, one, history=[summary(1, "accepted", 4.0)]), one)


def test_folds_constant_matches_the_worlds() -> None:
    assert len(set(classification().folds)) == FOLDS
