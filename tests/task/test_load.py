"""Tasks are read from what people have, and each inference is stated."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.errors import TaskError
from gome_graph.hooks import LoaderMatch
from gome_graph.task import Task, load_task
from gome_graph.task.tables import read_table
from tests.task.make import make_tables, write_task


def test_plain_folder_is_inferred_and_says_so(plain_folder):
    task = load_task(plain_folder)

    assert (task.id, task.target, task.metric, task.metric_source) == ("id", ["label"], "accuracy", "description.md")
    assert task.train == (plain_folder / "train.csv").resolve()
    assert task.train.is_absolute()
    said = " ".join(task.inferred)
    assert "The id column is 'id', the first column of sample_submission.csv." in said
    assert "The target is 'label', as in sample_submission.csv." in said
    assert "The metric is accuracy (higher is better), from description.md ('accuracy')." in said


def test_flags_win_over_the_folder(plain_folder):
    task = load_task(plain_folder, target="town", metric="macro F1", drop=["x"])
    assert (task.target, task.metric, task.metric_source, task.drop) == (["town"], "f1_macro", "--metric", ["x"])


def test_single_table_with_flags(tmp_path):
    train, _, _ = make_tables()
    train.to_csv(tmp_path / "mine.csv", index=False)

    for task in (
        load_task(None, train=tmp_path / "mine.csv", target="label", metric="auc"),
        load_task(tmp_path / "mine.csv", target="label", metric="auc"),
    ):
        assert (task.name, task.test, task.target, task.metric, task.id) == ("mine", None, ["label"], "roc_auc", "id")
        assert not task.side_files


def test_task_toml_round_trip(plain_folder):
    inferred = load_task(plain_folder)
    (plain_folder / "task.toml").write_text(inferred.to_toml(), encoding="utf-8")

    again = load_task(plain_folder)

    same = {"inferred", "metric_source"}
    assert again.model_dump(exclude=same) == inferred.model_dump(exclude=same)
    assert again.metric_source == "task.toml"
    assert again.inferred == []


def test_task_toml_written_elsewhere_still_finds_the_files(plain_folder, tmp_path):
    (plain_folder / "notes.txt").write_text("x")
    inferred = load_task(plain_folder)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "task.toml").write_text(inferred.to_toml(tmp_path / "run"), encoding="utf-8")

    again = load_task(tmp_path / "run" / "task.toml")

    assert (again.root, again.train, again.description) == (inferred.root, inferred.train, inferred.description)


def test_task_toml_settings_are_used(plain_folder):
    (plain_folder / "task.toml").write_text(
        'name = "n"\ndescription = "Say yes or no."\ntargets = ["label"]\nmetric = "f1"\nid = "id"\nsplit = "group:town"\n'
        'drop = ["cabin"]\ndirection = "maximize"\n[limits]\nmemory_mb = 500\n'
    )
    task = load_task(plain_folder)
    assert (task.name, task.description, task.metric, task.split, task.drop) == ("n", "Say yes or no.", "f1", "group:town", ["cabin"])
    assert task.limits == {"memory_mb": 500.0}


def test_mle_bench_folder_names_metric_thresholds_and_answers(bench_folder):
    task = load_task(bench_folder)

    assert (task.name, task.metric, task.metric_source) == ("towns-bench", "accuracy", "meta.json")
    assert task.root == (bench_folder / "public").resolve()
    assert task.answers == (bench_folder / "private" / "answers.csv").resolve()
    assert task.thresholds["gold"] == 0.9


def test_private_folder_is_not_read_and_may_be_absent(bench_folder):
    private = bench_folder / "private"
    (private / "answers.csv").write_bytes(b"\xff\xfe not a table")
    assert load_task(bench_folder).answers == (private / "answers.csv").resolve()

    (private / "answers.csv").unlink()
    private.rmdir()
    assert load_task(bench_folder).answers is None


def test_kaggle_zip_is_unpacked_beside_itself(plain_folder, tmp_path):
    archive = tmp_path / "towns-2.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in plain_folder.iterdir():
            packed.write(path, path.name)

    task = load_task(archive)

    assert (task.name, task.target, task.train) == ("towns-2", ["label"], tmp_path / "towns-2" / "train.csv")
    assert "unpacked" in task.inferred[0]
    assert load_task(archive).train == task.train


def test_zip_that_would_write_outside_is_refused(tmp_path):
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("train.csv", "a,b\n1,2\n")
        packed.writestr("../evil.txt", "x")
    with pytest.raises(TaskError, match="outside of its folder"):
        load_task(archive)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zip"]


def test_json_records_become_text_cells(tmp_path):
    rows = [{"id": i, "ok": i % 2 == 0, "things": ["a", "ü"], "note": None if i % 3 else "x\r\ny"} for i in range(40)]
    (tmp_path / "train.json").write_text(json.dumps(rows))
    (tmp_path / "test.json").write_text(json.dumps([{k: v for k, v in row.items() if k != "ok"} | {"id": 99 + row["id"]} for row in rows]))

    table = read_table(tmp_path / "train.json")
    assert table.iloc[0].to_list() == ["0", "True", '["a", "ü"]', "x\ny"]
    assert table["note"].iloc[1] == ""
    task = load_task(tmp_path)
    assert (task.id, task.target) == ("id", ["ok"])


def test_class_columns_of_the_sample_name_the_target(tmp_path):
    train, test, _ = make_tables()
    train = train.rename(columns={"label": "author"})
    train["author"] = np.random.default_rng(0).choice(["EA", "HP", "MW"], len(train))
    train["extra"] = 1.5  # also absent from test
    sample = pd.DataFrame({"id": test["id"], "EA": 0.4, "HP": 0.3, "MW": 0.3})

    task = load_task(write_task(tmp_path / "t", train, test, sample))

    assert (task.target, task.metric, task.metric_source) == (["author"], "log_loss", "inferred from the target")
    assert "The target is 'author': its values are the columns of sample_submission.csv." in task.inferred


@pytest.mark.parametrize(
    ("values", "sample_value", "metric"),
    [
        (["yes", "no"], "no", "accuracy"),
        (["0", "1"], "0.5", "roc_auc"),
        (["1", "2", "3"], "1", "accuracy"),
        ([f"{i / 7:.3f}" for i in range(90)], "1.5", "rmse"),
        ([str(i) for i in range(90)], "1", "rmse"),
    ],
)
def test_default_metric_follows_the_target(tmp_path, values, sample_value, metric):
    train, test, _ = make_tables()
    train["label"] = np.resize(values, len(train))
    sample = pd.DataFrame({"id": test["id"], "label": sample_value})
    assert load_task(write_task(tmp_path / "t", train, test, sample)).metric == metric


def test_id_without_a_sample_is_found_by_name_and_uniqueness(tmp_path):
    train, test, _ = make_tables()
    renamed = {"id": "PassengerId", "town": "town_id"}  # town_id is called like an id but repeats
    task = load_task(write_task(tmp_path / "t", train.rename(columns=renamed), test.rename(columns=renamed)))
    assert (task.id, task.target) == ("PassengerId", ["label"])


def test_no_id_is_said(tmp_path):
    train, test, _ = make_tables()
    task = load_task(write_task(tmp_path / "t", train.drop(columns="id"), test.drop(columns="id")))
    assert task.id is None
    assert "There is no id column; rows are numbered in file order (row_id)." in task.inferred


def test_column_that_the_description_forbids_is_dropped(plain_folder):
    (plain_folder / "description.md").write_text("The column `cabin` gives the answer away and must not be used.\n\nmetric: accuracy\n")
    task = load_task(plain_folder)
    assert task.drop == ["cabin"]
    assert any("must not be used" in sentence for sentence in task.inferred)


def test_binary_metrics_are_widened_for_more_classes(tmp_path):
    train, test, _ = make_tables()
    train["label"] = np.random.default_rng(0).choice(["a", "b", "c"], len(train))
    folder = write_task(tmp_path / "t", train, test)
    assert load_task(folder, metric="auc").metric == "roc_auc_ovr"
    with pytest.raises(TaskError, match="use f1_macro, f1_micro or f1_weighted"):
        load_task(folder, metric="f1")


def test_plugin_loaders_compete_by_confidence(plain_folder):
    made = load_task(plain_folder)

    def load(path: Path) -> Task:
        return made.model_copy(update={"name": f"plugin:{path.name}"})

    task = load_task(plain_folder, claims=lambda path: [None, LoaderMatch("mine", load, 0.99)], metric="mcc")

    assert (task.name, task.metric) == ("plugin:towns", "mcc")


def test_semicolons_and_byte_order_marks_are_read(tmp_path):
    train, _, _ = make_tables()
    path = tmp_path / "export.csv"
    path.write_bytes(b"\xef\xbb\xbf" + train.to_csv(index=False, sep=";", lineterminator="\r\n").encode())
    task = load_task(path, target="label")
    assert (task.id, task.metric) == ("id", "accuracy")


def test_decimal_commas_of_a_table_divided_by_semicolons_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("size;price;name;version\n1,5;1.234,5;a,b;1.2.3\n-2;,7;c;2,0\n;12;d;3\n", encoding="utf-8")
    (tmp_path / "u.csv").write_text("size;price\n1,5;1.234,5\n3;7,25\n4;-1.#IND\n", encoding="utf-8")

    kept, mended = read_table(tmp_path / "t.csv"), read_table(tmp_path / "u.csv")

    assert kept["size"].tolist() == ["1.5", "-2", ""]
    assert kept["price"].tolist() == ["1.234,5", ",7", "12"]  # one cell is no number: the column is left as it is
    assert kept["version"].tolist() == ["1.2.3", "2,0", "3"]
    assert mended["price"].tolist() == ["1234.5", "7.25", "-1.#IND"]
