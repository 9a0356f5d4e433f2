"""Grading against the private answers."""

import json

import numpy as np
import pandas as pd
import pytest

from gome_graph.errors import TaskError
from gome_graph.task import grade, load_task
from tests.task.make import make_tables, write_task


def bench(tmp_path, train, test, sample, answers, *, metric, thresholds=None):
    home = tmp_path / "bench"
    write_task(home / "public", train, test, sample)
    (home / "private").mkdir()
    answers.to_csv(home / "private" / "answers.csv", index=False)
    (home / "meta.json").write_text(json.dumps({"metric": metric, "thresholds": thresholds}))
    return load_task(home)


def submit(tmp_path, frame):
    frame.to_csv(tmp_path / "submission.csv", index=False)
    return tmp_path / "submission.csv"


def with_accuracy(folder, share):
    """The answers with the given share right, in another row order."""
    answers = pd.read_csv(folder / "private" / "answers.csv", dtype=str)
    wrong = np.arange(len(answers)) >= round(share * len(answers))
    answers.loc[wrong, "label"] = np.where(answers.loc[wrong, "label"] == "yes", "no", "yes")
    return answers.iloc[::-1]


@pytest.mark.parametrize(
    ("share", "medal", "above_median"),
    [(0.95, "gold", True), (0.9, "gold", True), (0.85, "silver", True), (0.7, "bronze", True), (0.65, None, True), (0.6, None, False)],
)
def test_equal_to_a_threshold_counts_for_medals_but_not_for_the_median(bench_folder, tmp_path, share, medal, above_median):
    result = grade(load_task(bench_folder), submit(tmp_path, with_accuracy(bench_folder, share)))
    assert result["valid"]
    assert result["score"] == pytest.approx(share)
    assert (result["medal"], result["above_median"]) == (medal, above_median)


def test_lower_is_better_for_losses(tmp_path):
    train, test, answers = make_tables()
    train["label"], answers["label"] = np.arange(600.0), np.arange(120.0)
    task = bench(tmp_path, train, test, answers, answers, metric="MAE", thresholds={"gold": 1, "silver": 2, "bronze": 3, "median": 3})
    result = grade(task, submit(tmp_path, answers.assign(label=answers["label"] + 3)))
    assert (result["score"], result["medal"], result["above_median"]) == (3.0, "bronze", False)


def test_invalid_submissions_say_why(bench_folder, tmp_path):
    task = load_task(bench_folder)
    answers = with_accuracy(bench_folder, 1.0)
    for frame, reason in [
        (answers.iloc[:-1], "ids are missing"),
        (answers.rename(columns={"label": "labels"}), "column 'label' is missing"),
        (answers.rename(columns={"id": "ID"}), "id column 'id' is missing"),
    ]:
        result = grade(task, submit(tmp_path, frame))
        assert (result["valid"], result["score"], result["medal"]) == (False, None, None)
        assert reason in result["reason"]
    assert grade(task, tmp_path / "absent.csv")["reason"] == "absent.csv is missing"


def test_an_unknown_label_is_just_wrong(bench_folder, tmp_path):
    frame = with_accuracy(bench_folder, 1.0)
    frame.iloc[:12, 1] = "perhaps"
    assert grade(load_task(bench_folder), submit(tmp_path, frame))["score"] == 0.9


def test_indicator_answers_and_a_class_matrix(tmp_path):
    train, test, answers = make_tables()
    one_hot = pd.DataFrame({"id": answers["id"], "no": (answers["label"] == "no") * 1, "yes": (answers["label"] == "yes") * 1})
    sample = one_hot.assign(no=0.5, yes=0.5)
    task = bench(tmp_path, train, test, sample, one_hot, metric="multi-class log loss")
    assert grade(task, submit(tmp_path, sample))["score"] == pytest.approx(np.log(2), abs=1e-5)


def test_grades_are_rounded_and_may_lie_beyond_those_of_train(tmp_path):
    rng = np.random.default_rng(0)
    train, test, answers = make_tables()
    train["label"], answers["label"] = rng.integers(3, 7, 600), rng.integers(3, 9, 120)
    task = bench(tmp_path, train, test, answers, answers, metric="quadratic weighted kappa")
    from sklearn.metrics import cohen_kappa_score

    predicted = answers["label"] + rng.normal(size=120) * 0.8
    expected = cohen_kappa_score(answers["label"], predicted.round().astype(int), labels=range(12), weights="quadratic")
    assert grade(task, submit(tmp_path, answers.assign(label=predicted)))["score"] == pytest.approx(expected, abs=1e-5)


def test_constant_predictions_have_no_correlation(tmp_path):
    train, test, answers = make_tables()
    train["label"], answers["label"] = np.arange(600.0), np.arange(120.0)
    task = bench(tmp_path, train, test, answers, answers, metric="pearson")
    assert "undefined" in grade(task, submit(tmp_path, answers.assign(label=1.0)))["reason"]


def test_task_without_answers_cannot_be_graded(plain_folder, tmp_path):
    with pytest.raises(TaskError, match="has no private answers"):
        grade(load_task(plain_folder), tmp_path / "submission.csv")
