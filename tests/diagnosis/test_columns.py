"""Symptoms of columns: unused, gappy, misread."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from gome_graph.records import ColumnKind, Finding
from tests.diagnosis.worlds import World, out_of_fold, pack_of, symptoms

ROWS = 1_500


def world_of(frame: pd.DataFrame, kinds: "dict[str, ColumnKind] | None" = None, facts: "dict[str, dict[str, Any]] | None" = None) -> World:
    y = np.random.default_rng(9).normal(size=len(frame)) + frame.iloc[:, 0].to_numpy(dtype=float)
    return World(frame, y, "rmse", kinds=kinds or {}, facts=facts or {})


def numbers(rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame({"size": rng.normal(size=rows), "weight": rng.normal(size=rows), "age": rng.normal(size=rows)})


def found_in(folder: Path, world: World, script: str, prediction: "np.ndarray | None" = None) -> dict[str, Finding]:
    data = world.measured(prediction if prediction is not None else world.frame.iloc[:, 0].to_numpy(dtype=float), script)
    return symptoms(pack_of(folder, world, data), data)


def test_an_unused_column_that_explains_the_errors_weighs_most(tmp_path: Path) -> None:
    frame = numbers()
    world = World(frame, (2 * frame["size"] + frame["age"]).to_numpy() + np.random.default_rng(0).normal(size=ROWS), "rmse")
    inputs = frame[["size"]].to_numpy()
    prediction, _ = out_of_fold(LinearRegression(), inputs, world.y, world.folds)

    found = found_in(tmp_path, world, 'X = train[["size"]]', prediction)["unused_columns"]

    assert found.columns == ["age", "weight"]
    assert found.severity > 0.5


def test_unused_columns_without_signal_weigh_little_and_used_ones_nothing(tmp_path: Path) -> None:
    world = world_of(numbers())

    some = found_in(tmp_path, world, 'X = train[["size"]]')
    everything = found_in(tmp_path, world, 'X = train.drop(columns=["id", "target"])')

    assert some["unused_columns"].severity == 0.1
    assert "unused_columns" not in everything


def gappy(informative: bool) -> World:
    rng = np.random.default_rng(6)
    frame = numbers()
    gone = rng.random(ROWS) < 0.25
    frame.loc[gone, "age"] = np.nan
    y = frame["size"].to_numpy() + rng.normal(size=ROWS) + (1.5 * gone if informative else 0.0)
    return World(frame, y, "rmse")


def test_gaps_that_shift_the_target_are_missing_values(tmp_path: Path) -> None:
    world = gappy(informative=True)
    filled = world.frame.fillna(world.frame.median())
    prediction, _ = out_of_fold(LinearRegression(), filled.to_numpy(), world.y, world.folds)

    found = found_in(tmp_path, world, 'X = train[["size", "weight", "age"]].fillna(0)', prediction)["missing_values"]

    assert found.columns == ["age"]
    assert found.severity > 0.5


def test_gaps_at_random_are_no_finding(tmp_path: Path) -> None:
    world = gappy(informative=False)

    assert "missing_values" not in found_in(tmp_path, world, 'X = train[["size", "weight", "age"]].fillna(0)')


def test_a_column_of_gaps_with_no_handling_in_the_script_is_missing_values(tmp_path: Path) -> None:
    frame = numbers()
    frame.loc[: ROWS // 2, "age"] = np.nan
    world = world_of(frame)

    found = found_in(tmp_path, world, 'X = train[["size", "weight", "age"]]')

    assert found["missing_values"].columns == ["age"]
    assert found["missing_values"].severity < 0.3


def mixed() -> World:
    rng = np.random.default_rng(8)
    frame = numbers()
    frame["town"] = rng.integers(0, 400, ROWS).astype(str)
    frame["story"] = [" ".join(rng.choice(["red", "old", "fast", "house", "sea"], 12)) for _ in range(ROWS)]
    frame["berth"] = [
        f"{a}/{b}/{c}"
        for a, b, c in zip(rng.choice(list("ABC"), ROWS), rng.integers(0, 300, ROWS), rng.choice(list("PS"), ROWS), strict=True)
    ]
    frame["day"] = pd.date_range("2020-01-01", periods=ROWS, freq="7h").astype(str)
    kinds = {"town": ColumnKind.CATEGORY, "story": ColumnKind.TEXT, "berth": ColumnKind.COMPOUND, "day": ColumnKind.DATETIME}
    facts = {"story": {"mean_words": 12.0}, "berth": {"separator": "/", "parts": 3}, "town": {"unseen": 0.08}}
    return world_of(frame, kinds, facts)


PLAIN = """
CATEGORICAL = ["town", "story"]
pipe = ColumnTransformer([("cat", OneHotEncoder(handle_unknown="ignore"), CATEGORICAL), ("num", "passthrough", ["size", "weight", "age"])])
X = train[["size", "weight", "age", "town", "story", "berth", "day"]]
"""
CAREFUL = """
train["deck"] = train["berth"].str.split("/").str[0]
train["hour"] = pd.to_datetime(train["day"]).dt.hour
pipe = ColumnTransformer([("cat", TargetEncoder(), ["town"]), ("text", TfidfVectorizer(), "story"), ("n", "drop", ["age"])])
numbers = train[["size", "weight"]]
"""
LAZY = 'X = train[["size", "weight", "age", "town"]]\nmodel = LGBMRegressor()'


@pytest.mark.parametrize(
    ("symptom", "columns"),
    [("high_cardinality", ["town"]), ("text_as_category", ["story"]), ("compound_columns", ["berth"]), ("datetime_unused", ["day"])],
)
def test_a_plain_script_misreads_columns_and_a_careful_one_does_not(tmp_path: Path, symptom: str, columns: list[str]) -> None:
    world = mixed()

    plain, careful = found_in(tmp_path, world, PLAIN), found_in(tmp_path, world, CAREFUL)

    assert plain[symptom].columns == columns
    assert symptom not in careful


def test_a_careful_script_leaves_nothing_unused(tmp_path: Path) -> None:
    assert {"unused_columns", "unused_text"}.isdisjoint(found_in(tmp_path, mixed(), CAREFUL))


def test_text_left_aside_is_unused_text_and_not_an_unused_column(tmp_path: Path) -> None:
    found = found_in(tmp_path, mixed(), LAZY)

    assert found["unused_text"].columns == ["story"]
    assert found["unused_columns"].columns == ["berth", "day"]


def test_values_that_train_never_has_are_unseen_categories(tmp_path: Path) -> None:
    found = found_in(tmp_path, mixed(), LAZY)
    without = found_in(tmp_path, mixed(), 'X = train[["size", "weight", "age"]]')

    assert found["unseen_categories"].columns == ["town"]
    assert "unseen_categories" not in without


def test_swept_up_text_counts_as_category_unless_something_reads_it(tmp_path: Path) -> None:
    swept = 'X = train.drop(columns=["id", "target"])\npipe = OrdinalEncoder()'

    assert "text_as_category" in found_in(tmp_path, mixed(), swept)
    assert "text_as_category" not in found_in(tmp_path, mixed(), swept + "\nwords = TfidfVectorizer()")


def skewed(metric: str = "rmse") -> World:
    rng = np.random.default_rng(10)
    frame = numbers()
    y = np.exp(frame["size"].to_numpy() + 0.8 * rng.normal(size=ROWS))
    return World(frame, y, metric, target_facts={"skew": float(pd.Series(y).skew()), "nonnegative": True})


def test_a_long_tailed_target_on_its_raw_scale_is_skewed_and_so_are_its_residuals(tmp_path: Path) -> None:
    world = skewed()
    prediction, _ = out_of_fold(LinearRegression(), world.frame.to_numpy(), world.y, world.folds)

    found = found_in(tmp_path, world, "model = LinearRegression()\nmodel.fit(X, y)", prediction)

    assert {"skewed_target", "residual_skew", "residual_outliers"} <= set(found)


def test_a_target_in_logs_is_no_skewed_target_and_leaves_even_residuals(tmp_path: Path) -> None:
    world = skewed("rmsle")
    logs, _ = out_of_fold(LinearRegression(), world.frame.to_numpy(), np.log1p(world.y), world.folds)

    found = found_in(tmp_path, world, "model.fit(X, np.log1p(y))", np.maximum(np.expm1(logs), 0))

    assert {"skewed_target", "residual_skew", "residual_outliers"}.isdisjoint(found)


def test_a_log_metric_learnt_on_the_raw_scale_weighs_heavily(tmp_path: Path) -> None:
    world = skewed("rmsle")

    assert found_in(tmp_path, world, "model.fit(X, y)", np.full(ROWS, 2.0))["skewed_target"].severity == 0.8


def test_a_bad_group_is_a_weak_slice_with_its_column_and_pattern(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    frame = numbers()
    frame["kind"] = rng.choice(["x", "y", "z"], ROWS, p=[0.6, 0.3, 0.1])
    y = frame["size"].to_numpy() * np.where(frame["kind"] == "z", -3.0, 1.0) + 0.3 * rng.normal(size=ROWS)
    world = World(frame, y, "rmse", kinds={"kind": ColumnKind.CATEGORY})

    found = found_in(tmp_path, world, "", frame["size"].to_numpy())["weak_slice"]

    assert found.columns[0] == "kind"
    assert "at z" in found.summary
    assert found.severity > 0.9


def test_a_group_that_is_only_noisier_weighs_less(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    frame = numbers()
    frame["kind"] = rng.choice(["x", "z"], ROWS, p=[0.9, 0.1])
    y = frame["size"].to_numpy() + np.where(frame["kind"] == "z", 3.0, 0.5) * rng.normal(size=ROWS)
    world = World(frame, y, "rmse", kinds={"kind": ColumnKind.CATEGORY})

    assert found_in(tmp_path, world, "", frame["size"].to_numpy())["weak_slice"].severity <= 0.3


def test_an_even_world_has_no_weak_slice(tmp_path: Path) -> None:
    assert "weak_slice" not in found_in(tmp_path, world_of(numbers()), "")
