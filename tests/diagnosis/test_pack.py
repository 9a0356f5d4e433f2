"""The facts of a pack, each against what is known of the data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.diagnosis.log import unified_diff, warnings_in
from gome_graph.diagnosis.script import read_script
from gome_graph.records import ColumnKind
from tests.diagnosis.worlds import World, execution, pack_of


def test_class_facts_count_shares_recall_and_precision(tmp_path: Path) -> None:
    y = np.array(["no"] * 80 + ["yes"] * 20)
    world = World(pd.DataFrame({"a": np.arange(100.0)}), y, "accuracy", prediction_kind="label")
    predicted = world.codes.copy()
    predicted[:10] = 1
    predicted[80:85] = 0

    no, yes = pack_of(tmp_path, world, world.measured(predicted)).classes

    assert (yes.label, yes.share, yes.predicted_share, yes.recall, yes.precision) == ("yes", 0.2, 0.25, 0.75, 0.6)
    assert (no.label, no.recall) == ("no", 70 / 80)


def test_calibration_error_of_a_constant_is_its_distance_from_the_share(tmp_path: Path) -> None:
    y = np.array([0] * 70 + [1] * 30)
    world = World(pd.DataFrame({"a": np.arange(100.0)}), y, "log_loss", prediction_kind="probability")

    facts = pack_of(tmp_path, world, world.measured(np.full(100, 0.55))).calibration

    assert facts is not None
    assert facts.error == pytest.approx(0.25)
    assert facts.bins == [(pytest.approx(0.55), pytest.approx(0.3), 100)]


def test_residual_outliers_are_counted_apart_from_skew(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=1_000)
    y[:5] = 60.0
    world = World(pd.DataFrame({"a": rng.normal(size=1_000)}), y, "rmse")

    facts = pack_of(tmp_path, world, world.measured(np.zeros(1_000))).residuals

    assert facts is not None
    assert facts.outlier_share == pytest.approx(0.005, abs=0.001)
    assert facts.outlier_loss > 0.9
    assert abs(facts.skew) < 0.5


@pytest.mark.parametrize(
    ("metric", "kind", "expected"),
    [("accuracy", "label", 0.7), ("balanced_accuracy", "label", 0.5), ("f1", "label", 0.6 / 1.3), ("roc_auc", "probability", 0.5),
     ("log_loss", "probability", -(0.7 * np.log(0.7) + 0.3 * np.log(0.3)))],
)  # fmt: skip
def test_the_trivial_score_is_that_of_the_best_constant(tmp_path: Path, metric: str, kind: str, expected: float) -> None:
    y = np.array([0] * 70 + [1] * 30)
    world = World(pd.DataFrame({"a": np.arange(100.0)}), y, metric, prediction_kind=kind)

    pack = pack_of(tmp_path, world, world.measured(None))

    assert pack.trivial_score == pytest.approx(expected)


def test_the_trivial_score_of_a_mean_absolute_error_is_that_of_the_median(tmp_path: Path) -> None:
    y = np.array([0.0, 0.0, 0.0, 10.0])
    world = World(pd.DataFrame({"a": np.arange(4.0)}), y, "mae")

    assert pack_of(tmp_path, world, world.measured(None)).trivial_score == pytest.approx(2.5)


def test_a_failed_step_still_has_its_text_facts(tmp_path: Path) -> None:
    world = World(pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0)}), np.arange(50.0), "rmse")
    run = execution(outcome="crashed", log_tail="x.py:3: UserWarning: careful\nTraceback …")

    pack = pack_of(tmp_path, world, None, script='X = train[["a"]]', run=run, incumbent_script='X = train[["a", "b"]]')

    assert (pack.score, pack.slices, pack.trivial_score) == (None, [], None)
    assert (pack.used_columns, pack.unused_columns, pack.warnings) == (["a"], ["b"], ["UserWarning: careful"])
    assert '-X = train[["a", "b"]]' in pack.diff


@pytest.mark.parametrize(
    ("script", "used"),
    [
        ('X = train[["a", "b"]]', ["a", "b"]),
        ('X = train.drop(columns=["c", "target"])', ["a", "b", "word"]),
        ('DROP = ["c", "id"]\nX = train.drop(DROP, axis=1)', ["a", "b", "word"]),
        ('X = train[[x for x in train.columns if x not in ("b", "target")]]', ["a", "c", "word"]),
        ('train["first"] = train["c"].str[0]\nX = train.drop(columns=["c", "b"])', ["a", "c", "word"]),
        ("X = train.select_dtypes('number')", ["a", "b", "c"]),
        ("X = train.select_dtypes('number').drop(columns=['b'])", ["a", "c"]),
        ("X = train.select_dtypes(include=[np.number])\nX['n'] = train['word'].str.len()", ["a", "b", "c", "word"]),
        ("X = train.select_dtypes('number')\nZ = OneHotEncoder().fit(train.select_dtypes('object'))", ["a", "b", "c", "word"]),
        ('out = pd.DataFrame(p, columns=sample.columns[1:])\nX = train[["b"]]', ["b"]),
        ('"""Uses a and b."""\nX = train[["c"]]', ["c"]),
        ("X = load()", []),
        ("this is not python(", []),
    ],
)
def test_column_use_is_read_from_the_script(tmp_path: Path, script: str, used: list[str]) -> None:
    frame = pd.DataFrame({name: np.arange(40.0) for name in "abc"}).assign(word="w")
    world = World(frame, np.arange(40.0), "rmse", kinds={"word": ColumnKind.CATEGORY})

    pack = pack_of(tmp_path, world, None, script=script)

    assert pack.used_columns == used
    assert pack.unused_columns == ([name for name in frame.columns if name not in used] if used else [])


def test_category_lists_are_followed_through_their_names() -> None:
    script = 'CATS = ["town", "story"]\npipe = make_column_transformer((OneHotEncoder(), CATS), (StandardScaler(), ["age"]))'

    assert read_script(script).category_columns == {"town", "story"}


def test_a_script_too_long_or_too_deep_is_not_parsed() -> None:
    assert not read_script("x = 1\n" * 100_000).parsed
    assert not read_script("(" * 5_000 + ")" * 5_000).parsed


def test_warnings_that_differ_in_numbers_count_once() -> None:
    log = "a.py:1: FutureWarning: took 3 s\n[LightGBM] [Warning] No further splits\na.py:9: FutureWarning: took 5 s\nall fine\n"

    assert warnings_in(log) == ["FutureWarning: took 3 s", "No further splits"]


def test_the_diff_shows_changed_lines_and_is_empty_for_a_root() -> None:
    diff = unified_diff("a\nb\nc\n", "a\nB\nc\n")

    assert "-b" in diff
    assert "+B" in diff
    assert unified_diff(None, "a") == ""
