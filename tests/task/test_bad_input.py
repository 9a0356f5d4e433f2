"""Each mistake of the user is one sentence that says what, where and how to mend it."""

import numpy as np
import pandas as pd
import pytest

from gome_graph.errors import TaskError
from gome_graph.task import load_task, prepare
from tests.task.make import make_tables, write_task


def says(error):
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


def folder(tmp_path, change=None, sample=True, **files):
    train, test, answers = make_tables()
    tables = {"train": train, "test": test, "sample": answers if sample else None}
    if change:
        change(tables)
    return write_task(tmp_path / "t", tables["train"], tables["test"], tables["sample"], **files)


def test_missing_folder(tmp_path):
    with pytest.raises(TaskError) as error:
        load_task(tmp_path / "nowhere")
    assert "nowhere does not exist; give a task folder, a zip or a table." in says(error)


def test_empty_folder_leaves_no_trace(tmp_path):
    with pytest.raises(TaskError) as error:
        load_task(tmp_path)
    assert "No training table" in says(error)
    assert list(tmp_path.iterdir()) == []


def test_nothing_given():
    with pytest.raises(TaskError, match="give a task folder, or --train"):
        load_task(None)


@pytest.mark.parametrize("flag", ["train", "test", "sample"])
def test_missing_file_names_the_flag(tmp_path, flag):
    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path), **{flag: tmp_path / "absent.csv"})
    assert f"--{flag}" in says(error)
    assert "absent.csv is not a file" in says(error)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"target": "lable"}, "Target column 'lable' is not in"),
        ({"id": "idd"}, "Id column 'idd' is not in"),
        ({"drop": ["cabbin"]}, "Column 'cabbin' to drop is not in"),
        ({"metric": "acuracy"}, "Unknown metric 'acuracy'; the closest are accuracy,"),
        ({"target": "label", "drop": ["label"]}, "cannot be dropped: it is the target"),
        ({"target": "id", "id": "id"}, "Column 'id' cannot be both the id and the target"),
    ],
)
def test_unknown_names_come_with_the_closest(tmp_path, flags, sentence):
    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path), **flags)
    assert sentence in says(error)


def test_sample_ids_that_do_not_match_the_test_ids(tmp_path):
    def change(tables):
        tables["sample"] = tables["sample"].assign(id=[f"q{i}" for i in range(len(tables["sample"]))])

    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, change))
    assert "sample_submission.csv has 120 ids that" in says(error)
    assert "the first is 'q0'" in says(error)


def test_sample_with_rows_missing(tmp_path):
    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, lambda t: t.update(sample=t["sample"].iloc[:-2])))
    assert "test.csv has 2 ids that" in says(error)


def test_ids_that_differ_only_by_leading_zeros_do_not_match(tmp_path):
    def change(tables):
        tables["sample"] = tables["sample"].assign(id=tables["sample"]["id"].str.lstrip("0"))

    with pytest.raises(TaskError, match="both must hold the same ids"):
        load_task(folder(tmp_path, change))


def test_empty_train(tmp_path):
    with pytest.raises(TaskError, match=r"train.csv has a header but no rows"):
        load_task(folder(tmp_path, lambda t: t.update(train=t["train"].iloc[:0])))


def test_target_with_one_value(tmp_path):
    with pytest.raises(TaskError, match="has one value only \\('yes'\\); there is nothing to learn"):
        load_task(folder(tmp_path, lambda t: t.update(train=t["train"].assign(label="yes"))))


def test_target_all_missing(tmp_path):
    with pytest.raises(TaskError, match="Target column 'label' has no value in any row"):
        load_task(folder(tmp_path, lambda t: t.update(train=t["train"].assign(label=np.nan))))


def test_too_few_labelled_rows(tmp_path):
    def change(tables):
        tables["train"].loc[:4, "label"] = ["no", "yes", "no", "yes", "no"]
        tables["train"].iloc[5:, tables["train"].columns.get_loc("label")] = np.nan

    task = load_task(folder(tmp_path, change))
    assert "595 of 600 training rows have no target value and are left out." in task.inferred
    with pytest.raises(TaskError, match="has 5 rows with a target value; at least 10 are needed"):
        prepare(task, tmp_path / "prepared", seed=0)
    assert not (tmp_path / "prepared").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; a header line and at least one row are needed"),
        (b"id,x,label\n1,\xff,no\n", "is not UTF-8 text"),
        (b"id,x,label\n1,2,no\n3,4,5,yes\n", "expected 3 fields in line 3, saw 4"),
        (b"id,x,label\n1,2,no\n3,4\n", "line 3 has fewer than 3 fields"),
        (b"id,x,x,label\n1,2,3,no\n", "has two columns called 'x'"),
        (b'id,x,label\n1,"2,no\n', "is not a proper CSV file"),
        (b"id,x,label\n1,2,no,9\n3,4,yes,9\n", "a row has more than the header's 3 fields"),
    ],
)
def test_unreadable_csv(tmp_path, content, sentence):
    home = folder(tmp_path)
    (home / "train.csv").write_bytes(content)
    with pytest.raises(TaskError) as error:
        load_task(home)
    assert "train.csv" in says(error)
    assert sentence in says(error)


@pytest.mark.parametrize(("content", "sentence"), [("{", "is not valid JSON"), ("[]", "holds no records"), ("[1]", "list of records")])
def test_unreadable_json(tmp_path, content, sentence):
    (tmp_path / "train.json").write_text(content)
    with pytest.raises(TaskError) as error:
        load_task(tmp_path)
    assert sentence in says(error)


@pytest.mark.parametrize("table", ["train", "test", "sample"])
def test_duplicate_ids(tmp_path, table):
    def change(tables):
        tables[table] = pd.concat([tables[table], tables[table].iloc[:1]])

    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, change))
    assert "more than once in column 'id'" in says(error)


@pytest.mark.parametrize(
    ("metric", "column", "sentence"),
    [
        ("auc", "x", "judges classes, but target 'x' has"),
        ("accuracy", "x", "use rmse or mae"),
        ("rmse", "label", "judges numbers, but target 'label' holds text ('no')"),
        ("qwk", "label", "judges whole-number grades"),
        ("rmsle", "x", "needs values at least 0, but target 'x' goes down to"),
        ("rmse_log", "x", "needs values above 0"),
        ("log loss", "cabin", "values in 600 rows"),
    ],
)
def test_metric_that_does_not_fit_the_target(tmp_path, metric, column, sentence):
    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, sample=False), target=column, metric=metric)
    assert sentence in says(error)


def test_probability_metric_with_one_column_for_many_classes(tmp_path):
    def change(tables):
        tables["train"]["label"] = np.resize(["a", "b", "c"], len(tables["train"]))

    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, change), metric="log loss")
    assert "needs a probability column for each of the 3 classes" in says(error)


def test_train_and_test_without_common_columns(tmp_path):
    def change(tables):
        tables["test"] = tables["test"].rename(columns={"x": "x2", "town": "t2", "cabin": "c2"})

    with pytest.raises(TaskError, match="have no input column in common"):
        load_task(folder(tmp_path, change))


def test_target_that_cannot_be_guessed(tmp_path):
    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, lambda t: t.update(train=t["train"].assign(other=1)), sample=False))
    assert "name the one to predict with --target" in says(error)


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("name = ", "is not valid TOML"),
        ('targte = "label"', "has an unknown key 'targte'; did you mean 'target'"),
        ('target = "label"\ndrop = "x"', "but a list of names is needed there"),
        ('train = "absent.csv"', "absent.csv is not a file; mend the path"),
        ('metric = "accuracy"\ndirection = "minimize"', "but for accuracy higher is better"),
        ('metric = "accuracy"\ndirection = "sideways"', "write minimize or maximize"),
        ('split = "weekly"', "write stratified, kfold, group:<column> or time:<column>"),
        ('split = "group:twon"', "split names column 'twon', which is not in"),
        ('description = "absent.md"', "absent.md is not a file"),
        ('[limits]\nmemory_mb = "much"', "not a number"),
        ("[limits]\nmemory_gb = 2", "did you mean 'memory_mb'"),
        ("[limits]\nwall_seconds = 0", "positive number"),
    ],
)
def test_bad_task_toml(tmp_path, toml, sentence):
    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, toml=toml))
    assert sentence in says(error)


def test_broken_meta_json(bench_folder):
    (bench_folder / "meta.json").write_text("{")
    with pytest.raises(TaskError, match="is not valid JSON"):
        load_task(bench_folder)


def test_metric_from_the_description_that_does_not_fit_says_where_it_was_read(tmp_path):
    with pytest.raises(TaskError) as error:
        load_task(folder(tmp_path, description="## Measure\nRMSE; lower is better."))
    assert "holds text ('no')" in says(error)
    assert "(the metric was read from description.md ('rmse'); name another one with --metric)." in says(error)


def test_unknown_metric_in_meta_json_says_where_it_was_read(bench_folder):
    (bench_folder / "meta.json").write_text('{"metric": "weighted yumminess"}')
    with pytest.raises(TaskError) as error:
        load_task(bench_folder)
    assert "Unknown metric 'weighted yumminess'" in says(error)
    assert "it was read from meta.json" in says(error)
    (bench_folder / "public" / "description.md").write_text("metric: MCC")
    assert load_task(bench_folder).metric == "mcc"
