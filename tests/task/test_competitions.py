"""Real competition folders beside the project: loaded, prepared and graded right, with nothing fitted to their names."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.records import ColumnKind, Stage
from gome_graph.task import grade, load_task, prepare

SHARED = Path(__file__).resolve().parents[3] / "shared"
FOLDERS = sorted((SHARED / "data" / "competitions").glob("*")) if (SHARED / "data" / "competitions").is_dir() else []

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDERS, reason=f"no competition folders in {SHARED / 'data' / 'competitions'}"),
]

# (sorted list of) id column, metric, format kind, number of prediction columns, number of classes
EXPECTED = [
    ("Id", "qwk", "label", 1, 6), ("Id", "rmse_log", "number", 1, 0), ("PassengerId", "accuracy", "label", 1, 2),
    ("PassengerId", "accuracy", "label", 1, 2), ("datetime", "rmsle", "number", 1, 0), ("id", "accuracy", "label", 1, 7),
    ("id", "accuracy", "label", 1, 20), ("id", "f1_micro", "label", 1, 3), ("id", "log_loss", "probabilities", 3, 3),
    ("id", "log_loss", "probabilities", 99, 99), ("id", "rmsle", "number", 2, 0), ("request_id", "roc_auc", "probability", 1, 2),
]  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    home = tmp_path_factory.mktemp("competitions")
    return {folder: prepare(load_task(folder), home / folder.name / "prepared", seed=0) for folder in FOLDERS}


@pytest.fixture(scope="module")
def independent():
    spec = importlib.util.spec_from_file_location("independent_grader", SHARED / "tools" / "grade.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_folder_is_understood(prepared):
    found = [(p.task.id, p.metric.name, p.format.kind, len(p.format.columns), len(p.format.classes)) for p in prepared.values()]
    assert sorted(found) == sorted(EXPECTED)


def test_description_alone_names_the_same_metric(prepared):
    for folder, one in prepared.items():
        task = load_task(folder / "public")
        assert (task.metric, task.metric_source) == (one.task.metric, "description.md")
        assert task.answers is None


def test_kinds_of_columns_are_sensible(prepared):
    kinds = [column.kind for one in prepared.values() for column in one.profile.columns]
    counts = {kind: kinds.count(kind) for kind in ColumnKind}
    assert counts[ColumnKind.LIST] == 2
    assert counts[ColumnKind.DATETIME] == 1
    assert counts[ColumnKind.BOOLEAN] == 2
    assert counts[ColumnKind.COMPOUND] == 2
    assert 3 <= counts[ColumnKind.TEXT] <= 5
    assert counts[ColumnKind.CONSTANT] == 0


def test_no_answer_row_is_in_any_input_and_audit_labels_are_hidden(prepared):
    for one in prepared.values():
        audit = set(one.vault.audit_ids.tolist())
        assert len(audit) == one.profile.audit_rows >= 50
        for stage in (Stage.SMOKE, Stage.SAMPLE, Stage.FULL):
            train = pd.read_csv(one.input_dir(stage) / "train.csv", dtype={one.format.id_column: str})
            test = pd.read_csv(one.input_dir(stage) / "test.csv", dtype={one.format.id_column: str})
            assert audit.isdisjoint(train[one.format.id_column])
            assert set(one.format.targets).isdisjoint(test.columns)
            assert len(test) == test[one.format.id_column].nunique() == len(one.test_ids(stage))


def submissions(folder, task, rng):
    """The sample submission, the truth, and perturbations of it."""
    sample = pd.read_csv(task.sample_submission, dtype={task.id: str}, keep_default_na=False)
    answers = pd.read_csv(task.answers, dtype={task.id: str}).set_index(task.id).loc[sample[task.id]].reset_index()
    columns = [name for name in sample.columns if name != task.id]
    truth = answers[[task.id, *columns]]
    yield sample
    yield truth
    yield truth.iloc[rng.permutation(len(truth))]
    noisy = truth.copy()
    values = truth[columns]
    if len(columns) > 2:
        mixed = values.to_numpy(float) + rng.random(values.shape) * 0.5
        noisy[columns] = mixed / mixed.sum(axis=1, keepdims=True)
    elif task.metric in {"rmsle", "rmse_log"}:
        noisy[columns] = values * np.exp(rng.normal(size=values.shape) * 0.3)
    elif task.metric == "roc_auc":
        noisy[columns] = np.round(values * 0.3 + rng.random(values.shape) * 0.7, 2)
    else:
        other = values[columns[0]].sample(frac=1, random_state=1).to_numpy()
        noisy[columns[0]] = np.where(rng.random(len(truth)) < 0.7, values[columns[0]], other)
    yield noisy
    yield noisy.iloc[:-1]
    if len(columns) != 2:  # the independent grader compares these by position and does not look at ids
        yield pd.concat([noisy.iloc[:-1], noisy.iloc[:1]])
    yield noisy.drop(columns=columns[-1])
    if task.metric not in {"accuracy", "f1_micro"}:
        broken = noisy.astype(dict.fromkeys(columns, float))
        broken.iloc[3, broken.columns.get_loc(columns[0])] = np.nan
        yield broken
    if task.metric in {"roc_auc", "log_loss", "rmsle", "rmse_log"}:
        yield noisy.assign(**{columns[0]: -1.0})


def test_grades_agree_with_the_independent_grader(prepared, independent, tmp_path):
    compared = 0
    for folder, one in prepared.items():
        rng = np.random.default_rng(0)
        for i, frame in enumerate(submissions(folder, one.task, rng)):
            path = tmp_path / f"{i}.csv"
            frame.to_csv(path, index=False)
            ours = grade(one.task, path)
            theirs = independent.grade(folder.name, pd.read_csv(path), folder.parent)
            assert ours["valid"] == theirs["valid"], (folder.name, i, ours, theirs)
            assert ours["score"] == (None if theirs["score"] is None else pytest.approx(theirs["score"], abs=1.01e-5)), (folder.name, i)
            assert (ours["medal"], ours["above_median"]) == (theirs["medal"], theirs["above_median"]), (folder.name, i)
            compared += 1
    assert compared > 90


def test_handed_out_submission_is_valid_for_the_independent_grader(prepared, independent, tmp_path):
    for folder, one in prepared.items():
        sample = one.format.read(one.input_dir(Stage.FULL) / "sample_submission.csv")
        path = tmp_path / "submission.csv"
        one.real_submission(sample).to_csv(path, index=False)
        theirs = independent.grade(folder.name, pd.read_csv(path), folder.parent)
        assert theirs["valid"], (folder.name, theirs)
        assert grade(one.task, path)["score"] == pytest.approx(theirs["score"], abs=1.01e-5)
        assert list(pd.read_csv(path).columns) == list(pd.read_csv(one.task.sample_submission).columns)
