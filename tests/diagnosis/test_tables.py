"""Symptoms of the tables: drift, leaks, order, entities, twins; planted, and absent where the data is plain."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.diagnosis.tables import tables_of
from gome_graph.records import ColumnKind, DiagnosticPack, Finding
from gome_graph.task import Measured
from tests.diagnosis.worlds import World, pack_of, symptoms

ROWS = 2_000
NEW = {"drift", "leaking_column", "time_structure", "group_structure", "duplicated_rows"}


def plain(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.normal(size=rows) for name in "abc"}).assign(colour=rng.choice(list("rgb"), rows))


def world_of(frame: pd.DataFrame, y: "np.ndarray | None" = None, kinds: "dict[str, ColumnKind] | None" = None) -> World:
    if y is None:
        y = frame["a"].to_numpy() + np.random.default_rng(1).normal(size=len(frame))
    return World(frame, y, "rmse", kinds={"colour": ColumnKind.CATEGORY, **(kinds or {})})


def found_in(
    folder: Path, world: World, test: "pd.DataFrame | None" = None, prediction: "np.ndarray | None" = None
) -> tuple[dict[str, Finding], DiagnosticPack]:
    data: Measured = replace(world.measured(world.frame["a"].to_numpy() if prediction is None else prediction), test=test)
    pack = pack_of(folder, world, data)
    return symptoms(pack, data), pack


def test_a_plain_table_has_no_structure(tmp_path: Path) -> None:
    found, pack = found_in(tmp_path, world_of(plain()), plain(seed=5))

    assert NEW.isdisjoint(found)
    assert pack.drift == pytest.approx(0.5, abs=0.04)
    assert pack.tables is not None
    assert pack.tables.bytes > ROWS * 3 * 8


@pytest.mark.parametrize("column", ["b", "colour"])
def test_test_rows_of_another_kind_drift_and_the_column_is_named(tmp_path: Path, column: str) -> None:
    test = plain(seed=5)
    if column == "b":
        test["b"] += 1.0
    else:
        test["colour"] = np.random.default_rng(6).choice(list("rgbx"), ROWS, p=[0.1, 0.2, 0.3, 0.4])

    found, pack = found_in(tmp_path, world_of(plain()), test)

    assert found["drift"].columns == [column]
    assert found["drift"].severity > 0.2
    assert pack.drift is not None
    assert pack.drift > 0.65


def test_without_test_rows_there_is_no_drift_to_measure(tmp_path: Path) -> None:
    found, pack = found_in(tmp_path, world_of(plain()))

    assert pack.drift is None
    assert NEW.isdisjoint(found)


def test_a_copy_of_the_target_leaks_and_a_strong_feature_does_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = plain()
    y = np.exp(frame["a"].to_numpy() + 0.4 * rng.normal(size=ROWS))
    frame["paid"] = np.log(y) * 3 + 0.02 * rng.normal(size=ROWS)

    leaking, _ = found_in(tmp_path / "a", world_of(frame, y))
    strong, _ = found_in(tmp_path / "b", world_of(frame.drop(columns="paid"), 3 * frame["a"].to_numpy() + rng.normal(size=ROWS)))

    assert leaking["leaking_column"].columns == ["paid"]
    assert "leaking_column" not in strong


@pytest.mark.parametrize("kind", ["label", "gaps"])
def test_a_category_or_a_gap_that_gives_the_class_away_leaks(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(3)
    frame = plain()
    y = (rng.random(ROWS) < 0.3).astype(int)
    if kind == "label":
        frame["state"] = np.where(y == 1, rng.choice(["closed", "sold"], ROWS), rng.choice(["open", "new"], ROWS))
    else:
        frame["state"] = np.where((y == 1) ^ (rng.random(ROWS) < 0.04), np.nan, rng.normal(size=ROWS))
    kinds = {"state": ColumnKind.CATEGORY if kind == "label" else ColumnKind.NUMBER}
    world = World(frame, y, "roc_auc", kinds={"colour": ColumnKind.CATEGORY, **kinds}, prediction_kind="probability")

    found, _ = found_in(tmp_path, world, prediction=rng.random(ROWS))

    assert found["leaking_column"].columns == ["state"]
    assert ("missing" in found["leaking_column"].summary) is (kind == "gaps")


@pytest.mark.parametrize(("mixed", "expected"), [(True, True), (False, False)])
def test_an_id_along_which_the_target_drifts_leaks_if_test_ids_lie_among_it(tmp_path: Path, mixed: bool, expected: bool) -> None:
    rng = np.random.default_rng(4)
    frame = plain()
    number = rng.permutation(2 * ROWS)
    train, test = (np.sort(number[:ROWS]), number[ROWS:]) if mixed else (np.arange(ROWS), np.arange(ROWS, 2 * ROWS))
    frame["id"] = [f"r{n}" for n in train]
    y = np.sin(train / 300) * 3 + rng.normal(size=ROWS)
    world = world_of(frame, y, {"id": ColumnKind.IDENTIFIER})

    found, _ = found_in(tmp_path, world, plain(seed=5).assign(id=[f"r{n}" for n in test]), prediction=np.sin(train / 300) * 3)

    assert ("leaking_column" in found) is expected
    assert not expected or found["leaking_column"].columns == ["id"]


def waves(trend: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows in no order of time; a slow wave over the dates."""
    rng = np.random.default_rng(7)
    frame = plain()
    day = rng.permutation(ROWS)
    frame["day"] = (pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D")).astype(str)
    return frame, frame["a"].to_numpy() + trend * np.sin(day / 200) + 0.7 * rng.normal(size=ROWS)


def test_errors_alike_between_neighbours_in_time_are_time_structure(tmp_path: Path) -> None:
    for number, trend in enumerate((1.0, 0.0)):
        frame, y = waves(trend)
        found, _ = found_in(tmp_path / str(number), world_of(frame, y, {"day": ColumnKind.DATETIME}))
        assert ("time_structure" in found) is (trend > 0)
        assert not trend or found["time_structure"].columns == ["day"]


def test_a_future_test_part_under_random_folds_is_time_structure_even_where_errors_are_even(tmp_path: Path) -> None:
    frame, y = waves(1.0)
    future = plain(seed=5).assign(day=(pd.Timestamp("2027-01-01") + pd.to_timedelta(np.arange(ROWS), unit="D")).astype(str))
    world = world_of(frame, y, {"day": ColumnKind.DATETIME})
    among = plain(seed=5).assign(day=frame["day"].sample(frac=1, random_state=0).to_numpy())
    days = pd.to_datetime(frame["day"]).to_numpy(dtype="datetime64[D]").astype(float)
    wave = frame["a"].to_numpy() + np.sin((days - days.min()) / 200)

    random, _ = found_in(tmp_path / "a", world, future, prediction=wave)
    within, _ = found_in(tmp_path / "b", world, among, prediction=wave)
    blocks = replace(world.measured(wave), test=future, folds=(pd.Series(days).rank().to_numpy() - 1).astype(int) * 5 // ROWS)
    pack = pack_of(tmp_path / "c", world, blocks)

    assert "at random" in random["time_structure"].summary
    assert "time_structure" not in within
    assert "time_structure" not in symptoms(pack, blocks)


def grouped(effect: float, kind: str) -> tuple[pd.DataFrame, np.ndarray, ColumnKind]:
    rng = np.random.default_rng(8)
    frame = plain()
    owner = rng.integers(0, 300, ROWS)
    frame["owner"] = owner if kind == "number" else [f"o{n}" for n in owner]
    y = frame["a"].to_numpy() + effect * rng.normal(size=300)[owner] + rng.normal(size=ROWS)
    return frame, y, ColumnKind.NUMBER if kind == "number" else ColumnKind.CATEGORY


@pytest.mark.parametrize("kind", ["number", "name"])
def test_errors_alike_within_an_entity_are_group_structure(tmp_path: Path, kind: str) -> None:
    for number, effect in enumerate((0.8, 0.0)):
        frame, y, column_kind = grouped(effect, kind)
        world = world_of(frame, y, {"owner": column_kind})
        world.facts["owner"] = {"integer": True}
        found, _ = found_in(tmp_path / str(number), world)
        assert ("group_structure" in found) is (effect > 0)
        assert not effect or found["group_structure"].columns == ["owner"]


def test_a_smooth_whole_number_is_a_quantity_and_no_entity(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    frame = plain()
    frame["age"] = rng.integers(0, 300, ROWS)
    world = world_of(frame, frame["a"].to_numpy() + frame["age"].to_numpy() / 100 + rng.normal(size=ROWS))
    world.facts["age"] = {"integer": True}

    assert "group_structure" not in found_in(tmp_path, world)[0]


def test_unknown_entities_in_the_test_part_under_mixed_folds_are_group_structure(tmp_path: Path) -> None:
    frame, y, kind = grouped(1.5, "name")
    world = world_of(frame, y, {"owner": kind})
    effect = pd.Series(y - frame["a"]).groupby(frame["owner"]).transform("mean").to_numpy()
    fitted = frame["a"].to_numpy() + effect
    others = plain(seed=5).assign(owner=[f"p{n % 300}" for n in range(ROWS)])
    same = plain(seed=5).assign(owner=frame["owner"].sample(frac=1, random_state=0).to_numpy())

    unknown, _ = found_in(tmp_path / "a", world, others, prediction=fitted)
    known, _ = found_in(tmp_path / "b", world, same, prediction=fitted)

    assert "the folds mix groups" in unknown["group_structure"].summary
    assert "group_structure" not in known


def test_copied_rows_are_duplicated_and_contradictions_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    frame = pd.concat([plain(1_600), plain(1_600).iloc[:400]], ignore_index=True)
    same = frame["a"].to_numpy() + rng.normal(size=1_600)[np.r_[0:1_600, 0:400]]
    other = frame["a"].to_numpy() + rng.normal(size=ROWS)

    agreeing, pack = found_in(tmp_path / "a", world_of(frame, same), plain(seed=5))
    contradicting, _ = found_in(tmp_path / "b", world_of(frame.copy(), other), plain(seed=5))

    assert "too good" in agreeing["duplicated_rows"].summary
    assert pack.tables is not None
    assert pack.tables.duplicates is not None
    assert pack.tables.duplicates.rows == pytest.approx(0.4, abs=0.001)
    assert pack.tables.duplicates.contradicting == 0.0
    assert "another label" in contradicting["duplicated_rows"].summary


def test_test_rows_with_twins_are_counted_and_a_table_of_few_values_is_no_copy(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    frame = pd.concat([plain(1_600), plain(1_600).iloc[:400]], ignore_index=True)
    _, pack = found_in(tmp_path / "a", world_of(frame, rng.normal(size=ROWS)), plain(1_600).iloc[:100])
    few = pd.DataFrame({name: rng.integers(0, 2, ROWS).astype(float) for name in "abc"})

    found, _ = found_in(tmp_path / "b", World(few, rng.normal(size=ROWS), "rmse"))

    assert pack.tables is not None
    assert pack.tables.duplicates is not None
    assert pack.tables.duplicates.test_rows == pytest.approx(1.0)
    assert "duplicated_rows" not in found


def test_facts_of_the_tables_are_measured_once_a_run(tmp_path: Path) -> None:
    world = world_of(plain())
    data = replace(world.measured(world.frame["a"].to_numpy()), test=plain(seed=5))

    first, second = (tables_of(replace(data, prediction=prediction), world.profile) for prediction in (None, world.y))

    assert first is second
