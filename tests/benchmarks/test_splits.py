"""The splits of the benchmark: fixed, fair by class, and without the answers."""

from pathlib import Path

import data
import numpy as np
import pandas as pd
import pytest
import tasks


def table(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=rows), "y": rng.choice(["a", "b", "c"], rows, p=[0.7, 0.2, 0.1])})


def test_a_split_depends_on_task_and_seed_alone() -> None:
    assert data.split_seed("ames", 0) == 2101483353
    assert len({data.split_seed(task, seed) for task in ("ames", "digits") for seed in (0, 1)}) == 4


def test_rows_fall_on_one_side_and_classes_keep_their_share() -> None:
    whole = table()
    train, test = data.split_rows(whole, whole["y"], 1)
    assert not set(train[data.ID]) & set(test[data.ID])
    assert sorted([*train["x"], *test["x"]]) == sorted(whole["x"])
    for label, count in whole["y"].value_counts().items():
        assert (test["y"] == label).sum() == round(data.HOLDOUT * count)


def test_the_id_tells_nothing_of_the_source_order() -> None:
    whole = table().sort_values("x").reset_index(drop=True)
    train, _ = data.split_rows(whole, whole["y"], 1)
    assert abs(train[data.ID].corr(train["x"], method="spearman")) < 0.3


@pytest.mark.parametrize("name", ["breast_cancer", "speech", "meat_spectra"])
def test_no_answer_and_no_dropped_column_reaches_the_systems(name: str, tmp_path: Path) -> None:
    task = tasks.TASKS[name]
    parts = data.split(task, 0, tmp_path)
    data.write(parts, tmp_path / "cell", seconds=1, cores=1, seed=0)
    assert {p.name for p in (tmp_path / "cell").iterdir()} == {"train.csv", "test.csv", "facts.json"}
    seen = pd.read_csv(tmp_path / "cell" / "test.csv")
    assert not {task.target, *task.drop} & set(seen)
    again = data.split(task, 0, tmp_path)
    pd.testing.assert_frame_equal(parts.train, again.train)
    pd.testing.assert_frame_equal(parts.truth, again.truth)


def test_no_test_row_stands_in_train_where_duplicates_go(tmp_path: Path) -> None:
    parts = data.split(tasks.TASKS["concrete"], 0, tmp_path)
    both = pd.concat([parts.train, parts.test.merge(parts.truth, on=data.ID)]).drop(columns=data.ID)
    assert not both.duplicated().any()


def test_tasks_and_suites_can_be_mixed() -> None:
    assert [task.name for task in tasks.chosen(["tiny", "speech", "ames"])] == ["breast_cancer", "meat_spectra", "speech", "ames"]
    with pytest.raises(KeyError):
        tasks.chosen(["unheard_of"])


def test_gome_reads_the_task_folder_as_it_is_meant(tmp_path: Path) -> None:
    from gome_graph.task import load_task

    for name, metric in (("breast_cancer", "roc_auc"), ("digits", "accuracy"), ("concrete", "rmse"), ("speech", "log_loss")):
        data.write_task_folder(data.split(tasks.TASKS[name], 0, tmp_path), tmp_path / name)
        found = load_task(tmp_path / name)
        assert (found.metric, found.id, found.target) == (metric, data.ID, [tasks.TASKS[name].target])
        assert found.answers is None


def test_text_with_line_ends_survives_the_files(tmp_path: Path) -> None:
    rows = pd.DataFrame({data.ID: [0, 1], "words": ["one\rtwo", 'a "b",\r\nc'], "n": [1.5, np.nan], "y": ["yes", "no"]})
    parts = data.Split(rows, rows.drop(columns="y"), rows[[data.ID, "y"]], {})
    data.write(parts, tmp_path)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "train.csv"), rows, check_dtype=False)
