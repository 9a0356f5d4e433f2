"""Symptoms of the errors' shape, of decisions and of blends: planted, and absent where they are not there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from gome_graph.records import DataFacts
from tests.diagnosis.worlds import World, execution, out_of_fold, pack_of, symptoms

ROWS = 2_000
GB = 1 << 30


def line(spread: str, rows: int = ROWS) -> World:
    """A linear world whose noise is even, grows with the target, or is large where ``b`` is."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 1, size=(rows, 3))
    mean = 5 + 4 * x[:, 0]
    scale = {"even": np.full(rows, 0.5), "by_target": 0.15 * (mean - 4.5), "by_b": 0.2 + 1.2 * x[:, 1]}[spread]
    return World(pd.DataFrame(x, columns=list("abc")), mean + scale * rng.normal(size=rows), "rmse", target_facts={"nonnegative": True})


@pytest.mark.parametrize(("spread", "columns"), [("by_target", ["a"]), ("by_b", ["b"])])
def test_errors_that_grow_with_a_column_are_heteroscedastic_and_name_it(tmp_path: Path, spread: str, columns: list[str]) -> None:
    world = line(spread)
    prediction, _ = out_of_fold(LinearRegression(), world.frame.to_numpy(), world.y, world.folds)
    data = world.measured(prediction)

    found = symptoms(pack_of(tmp_path, world, data), data)["heteroscedastic"]

    assert found.columns == columns
    assert found.severity > 0.4
    assert ("the prediction" in found.summary) is (spread == "by_target")
    assert ("log" in found.direction) is (spread == "by_target")


def test_even_errors_are_not_heteroscedastic_even_where_the_model_misses_a_curve(tmp_path: Path) -> None:
    world = line("even")
    bent = World(world.frame, world.y + 6 * (world.frame["b"].to_numpy() - 0.5) ** 2, "rmse")
    for number, one in enumerate((world, bent)):
        prediction, _ = out_of_fold(LinearRegression(), one.frame.to_numpy(), one.y, one.folds)
        data = one.measured(prediction)
        assert "heteroscedastic" not in symptoms(pack_of(tmp_path / str(number), one, data), data)


def labelled(flip: float, metric: str = "log_loss", kind: str = "probability", classes: int = 2) -> World:
    """Well-separated classes, a share of the labels drawn anew."""
    rng = np.random.default_rng(4)
    centre = rng.integers(0, classes, ROWS)
    angle = 2 * np.pi * centre / classes
    x = 4 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(size=(ROWS, 2))
    other = (centre + rng.integers(1, classes, ROWS)) % classes
    return World(pd.DataFrame(x, columns=["a", "b"]), np.where(rng.random(ROWS) < flip, other, centre), metric, prediction_kind=kind)


def stated(world: World) -> np.ndarray:
    proba, _ = out_of_fold(LogisticRegression(), world.frame.to_numpy(), world.codes, world.folds, proba=True)
    return proba


@pytest.mark.parametrize(("classes", "kind"), [(2, "probability"), (4, "probabilities"), (2, "label")])
def test_labels_drawn_anew_are_label_noise(tmp_path: Path, classes: int, kind: str) -> None:
    world = labelled(0.1, "accuracy" if kind == "label" else "log_loss", kind, classes)
    proba = stated(world)
    data = world.measured({"probability": proba[:, 1], "probabilities": proba, "label": proba.argmax(axis=1)}[kind], probabilities=proba)

    pack = pack_of(tmp_path, world, data)

    found = symptoms(pack, data)["label_noise"]
    assert found.severity > 0.15
    assert pack.label_noise is not None
    assert pack.label_noise.floor == pytest.approx(0.1, abs=0.04)
    assert pack.label_noise.suspects == pytest.approx(0.1, abs=0.04)
    assert pack.label_noise.classes == world.classes


def test_clean_overlapping_and_hopeless_classes_are_not_label_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 2))
    overlapping = 1 / (1 + np.exp(-2 * x[:, 0] - x[:, 1]))
    weak = 1 / (1 + np.exp(1.4 - 0.5 * x[:, 0]))
    worlds = [labelled(0.0)]
    worlds += [
        World(pd.DataFrame(x, columns=["a", "b"]), (rng.random(ROWS) < p).astype(int), "log_loss", prediction_kind="probability")
        for p in (overlapping, weak)
    ]
    for number, world in enumerate(worlds):
        data = world.measured(stated(world)[:, 1])
        assert "label_noise" not in symptoms(pack_of(tmp_path / str(number), world, data), data)


def test_labels_in_place_of_probabilities_do_not_fit_a_ranking_metric(tmp_path: Path) -> None:
    world = labelled(0.1, "roc_auc")
    proba = stated(world)[:, 1]
    labels, probabilities = world.measured((proba > 0.5).astype(float)), world.measured(proba)

    assert symptoms(pack_of(tmp_path / "a", world, labels), labels)["metric_mismatch"].severity == 0.9
    assert "metric_mismatch" not in symptoms(pack_of(tmp_path / "b", world, probabilities), probabilities)


def graded() -> tuple[World, np.ndarray]:
    """Six grades with true probabilities, one of them common: cut mean grades beat the likeliest grade under QWK."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(ROWS, 1))
    p = np.exp(-np.abs(np.arange(6)[None, :] - (2.5 + x)) * 0.4)
    p[:, 0] *= 4
    p /= p.sum(axis=1, keepdims=True)
    y = np.array([rng.choice(6, p=row) for row in p])
    return World(pd.DataFrame(x, columns=["a"]), y, "qwk", prediction_kind="label"), p


def test_grades_chosen_as_names_do_not_fit_qwk(tmp_path: Path) -> None:
    world, proba = graded()
    likeliest = world.measured(proba.argmax(axis=1), probabilities=proba)
    cut = np.empty(ROWS, dtype=int)
    cut[np.argsort((proba * np.arange(6)).sum(axis=1), kind="stable")] = np.sort(world.codes)
    graded_by_mean = world.measured(cut, probabilities=proba)

    found = symptoms(pack_of(tmp_path / "a", world, likeliest), likeliest)["metric_mismatch"]

    assert "mean grade" in found.summary
    assert "metric_mismatch" not in symptoms(pack_of(tmp_path / "b", world, graded_by_mean), graded_by_mean)


def test_grades_without_probabilities_are_told_from_the_script(tmp_path: Path) -> None:
    world, proba = graded()
    names, cuts = "model = LGBMClassifier()\nlabels = model.predict(X)", "model = LGBMRegressor()\nlabels = np.rint(model.predict(X))"

    plain, careful = (world.measured(proba.argmax(axis=1), script) for script in (names, cuts))

    assert "metric_mismatch" in symptoms(pack_of(tmp_path / "a", world, plain), plain)
    assert "metric_mismatch" not in symptoms(pack_of(tmp_path / "b", world, careful), careful)


def test_rare_classes_that_a_class_metric_wants_chosen_are_a_mismatch(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    y = rng.choice(3, size=ROWS, p=[0.8, 0.12, 0.08])
    x = np.eye(3)[y] * 1.5 + rng.normal(size=(ROWS, 3))
    world = World(pd.DataFrame(x, columns=list("abc")), y, "balanced_accuracy", prediction_kind="label")
    proba = stated(world)
    shares = np.bincount(y) / ROWS
    plain = world.measured(proba.argmax(axis=1), probabilities=proba)
    weighed = world.measured((proba / shares).argmax(axis=1), probabilities=proba)

    assert "its share" in symptoms(pack_of(tmp_path / "a", world, plain), plain)["metric_mismatch"].summary
    assert "metric_mismatch" not in symptoms(pack_of(tmp_path / "b", world, weighed), weighed)


def long_tailed(metric: str) -> World:
    rng = np.random.default_rng(8)
    x = rng.normal(size=ROWS)
    return World(pd.DataFrame({"a": x}), np.exp(x + 0.8 * rng.normal(size=ROWS)), metric, target_facts={"nonnegative": True, "skew": 4.0})


@pytest.mark.parametrize(
    ("metric", "level", "symptom"),
    [("mae", 0.32, "metric_mismatch"), ("mae", 0.0, None), ("rmse", 0.0, "biased"), ("rmse", 0.32, None)],
)
def test_means_and_medians_each_for_their_metric(tmp_path: Path, metric: str, level: float, symptom: str | None) -> None:
    """Given x, the median is exp(x) and the mean exp(x + 0.32)."""
    world = long_tailed(metric)
    data = world.measured(np.exp(world.frame["a"].to_numpy() + level), "y = np.log1p(y)\nmodel = LGBMRegressor()\nnp.expm1(p)")

    assert {"metric_mismatch", "biased"} & set(symptoms(pack_of(tmp_path, world, data), data)) == ({symptom} if symptom else set())


@pytest.mark.parametrize(("objective", "expected"), [("", True), ('objective="l1"', False)])
def test_squared_errors_under_smape_are_told_from_the_script(tmp_path: Path, objective: str, expected: bool) -> None:
    world = long_tailed("smape")
    data = world.measured(np.exp(world.frame["a"].to_numpy()), f"model = LGBMRegressor({objective})")

    assert ("metric_mismatch" in symptoms(pack_of(tmp_path, world, data), data)) is expected


def test_probabilities_of_a_reweighted_fit_are_biased(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(ROWS, 2))
    y = (rng.random(ROWS) < 1 / (1 + np.exp(2.5 - 1.5 * x[:, 0]))).astype(int)
    world = World(pd.DataFrame(x, columns=["a", "b"]), y, "log_loss", prediction_kind="probability")
    for number, (weight, expected) in enumerate((("balanced", True), (None, False))):
        proba, _ = out_of_fold(LogisticRegression(class_weight=weight), x, world.codes, world.folds, proba=True)
        data = world.measured(proba[:, 1])
        found = symptoms(pack_of(tmp_path / str(number), world, data), data)
        assert ("biased" in found) is expected
        assert not expected or "above its share" in found["biased"].summary


@pytest.mark.parametrize(("power", "words"), [(0.4, "not sure enough"), (2.5, "too sure"), (1.0, None)])
@pytest.mark.parametrize("share", [0.5, 0.04])
def test_both_leans_of_two_classes_are_named_even_if_one_is_rare(tmp_path: Path, power: float, words: str | None, share: float) -> None:
    rng = np.random.default_rng(10)
    rows = 6_000
    x = rng.normal(size=rows)
    odds = np.log(share / (1 - share)) + 1.2 * x
    y = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    world = World(pd.DataFrame({"a": x}), y, "log_loss", prediction_kind="probability")
    data = world.measured(1 / (1 + np.exp(-power * odds)))

    found = symptoms(pack_of(tmp_path, world, data), data)

    assert words in found["miscalibrated"].summary if words else "miscalibrated" not in found


@pytest.mark.parametrize(
    ("peak", "limit", "data_bytes", "words"),
    [(7 * GB, 8 * GB, 7 * GB, "of the limit"), (6 * GB, 0, 40 << 20, "times the data"), (1 * GB, 8 * GB, 40 << 20, None),
     (6 * GB, 0, 2 * GB, None), (0, 8 * GB, GB, None)],
)  # fmt: skip
def test_memory_near_the_limit_or_far_beyond_the_data_is_wasted(
    tmp_path: Path, peak: int, limit: int, data_bytes: int, words: str | None
) -> None:
    world = line("even")
    data = world.measured(np.full(ROWS, 7.0))
    run = execution(peak_memory_bytes=peak)

    found = symptoms(pack_of(tmp_path, world, data, run=run, memory_limit=limit, tables=DataFacts(bytes=data_bytes)), data)

    assert words in found["wasted_memory"].summary if words else "wasted_memory" not in found


def agreement(one: np.ndarray, other: np.ndarray, names: tuple[str, str] = ("lightgbm", "catboost")) -> list[dict]:
    correlation = float(np.corrcoef(one, other)[0, 1])
    return [
        {"kind": "weights", "weights": dict.fromkeys(names, 0.5)},
        {"kind": "agreement", "members": list(names), "correlation": correlation},
    ]


def test_two_seeds_of_one_model_lack_diversity_and_two_families_do_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    world = line("even")
    truth = 5 + 4 * world.frame["a"].to_numpy()
    shared = 0.3 * rng.normal(size=ROWS)
    seeds = [truth + shared + 0.01 * rng.normal(size=ROWS) for _ in range(2)]
    families = [truth + 0.3 * rng.normal(size=ROWS) for _ in range(2)]
    for number, (pair, expected) in enumerate(((seeds, True), (families, False))):
        data = world.measured((pair[0] + pair[1]) / 2)
        found = symptoms(pack_of(tmp_path / str(number), world, data, telemetry=agreement(*pair)), data)
        assert ("low_diversity" in found) is expected


def test_errors_tell_good_models_apart_whose_predictions_are_all_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    x = rng.uniform(-5, 5, size=ROWS)
    world = World(pd.DataFrame({"a": x}), 10 * x, "rmse")
    pair = [10 * x + rng.normal(size=ROWS) for _ in range(2)]
    data = world.measured((pair[0] + pair[1]) / 2)

    pack = pack_of(tmp_path, world, data, telemetry=agreement(*pair))

    assert pack.agreement[0].predictions > 0.99
    assert pack.agreement[0].errors < 0.5
    assert "low_diversity" not in symptoms(pack, data)
