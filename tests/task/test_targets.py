"""Targets, the classes that submission columns stand for, and labels in several spellings."""

import numpy as np
import pandas as pd
import pytest

from gome_graph.records import TargetKind
from gome_graph.task import load_task, prepare
from gome_graph.task.labels import encode, in_style_of, ordered
from gome_graph.task.targets import match_classes, target_facts
from tests.task.make import make_tables, write_task


@pytest.mark.parametrize(
    ("columns", "labels", "target", "expected"),
    [
        (["b", "a"], ["a", "b"], "y", ["b", "a"]),
        (["Status_C", "Status_CL", "Status_D"], ["C", "CL", "D"], "Status", ["C", "CL", "D"]),
        (["Class_1", "Class_2"], ["1", "2"], "y", ["1", "2"]),
        (["Class_1", "Class_2"], ["Class_1", "Class_2"], "y", ["Class_1", "Class_2"]),
        (["a_prob", "b_prob"], ["a", "b"], "y", ["a", "b"]),
        (["Acer_Mono", "Acer_Rubrum"], ["Acer Mono", "Acer Rubrum"], "y", ["Acer Mono", "Acer Rubrum"]),
        (["u", "v"], ["a", "b"], "y", None),
        (["a"], ["a", "b"], "y", None),
    ],
)
def test_submission_columns_are_matched_to_classes(columns, labels, target, expected):
    assert match_classes(columns, labels, target) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "1"], ["1", "9", "10"]),
        (["b", "a"], ["a", "b"]),
        (["1", "1.0", "2"], ["1", "2"]),
        (["True", "False"], ["False", "True"]),
    ],
)
def test_classes_have_one_order(labels, expected):
    assert ordered(labels) == expected


def test_codes_of_unknown_labels_are_minus_one():
    assert encode(np.array(["no", "yes", "maybe"], dtype=object), ["no", "yes"]).tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("classes", "shown", "written"),
    [
        (["False", "True"], ["False"], []),
        (["False", "True"], ["0"], ["0", "1"]),
        (["0", "1"], ["False", "True"], ["False", "True"]),
        (["1.0", "2.0"], ["1"], ["1", "2"]),
        (["a", "b"], ["zz"], []),
    ],
)
def test_spelling_follows_the_sample(classes, shown, written):
    assert in_style_of(classes, shown) == written


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "0", ""], "binary"),
        (["a", "b", "c"], "classes"),
        (["1", "2", "3"], "classes"),
        (["1.5", "2.5", "3.5"], "numbers"),
        ([str(i) for i in range(40)], "numbers"),
    ],
)
def test_how_a_target_looks(cells, kind):
    assert target_facts("y", np.array(cells, dtype=object)).kind == kind


def test_several_binary_targets_are_multilabel(tmp_path):
    train, test, answers = make_tables()
    flags = np.random.default_rng(0).integers(0, 2, (2, 600))
    train["u"], train["v"] = flags
    sample = pd.DataFrame({"id": answers["id"], "u": 0.5, "v": 0.5})
    task = load_task(write_task(tmp_path / "t", train.drop(columns="label"), test, sample))
    prepared = prepare(task, tmp_path / "prepared", seed=0)

    assert (task.metric, prepared.format.kind, prepared.profile.target.kind) == ("roc_auc", "probability", TargetKind.MULTILABEL)
    assert prepared.truth.shape == (540, 2)
    for code in np.unique(prepared.truth, axis=0):
        counts = np.bincount(prepared.folds[(prepared.truth == code).all(axis=1)])
        assert np.ptp(counts) <= 1


def test_spans_of_text_can_be_the_target(tmp_path):
    train, test, _ = make_tables()
    train["label"] = [f"word{i} and more" for i in range(600)]
    home = write_task(tmp_path / "t", train, test, description="metric: word-level Jaccard")
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)
    assert prepared.format.kind == "text"
    assert prepared.truth.dtype.kind == "U"
