"""Predictions become arrays aligned by id, or one sentence says which rule they break."""

import numpy as np
import pandas as pd
import pytest

from gome_graph.task import FormatError, SubmissionFormat

IDS = ["007", "0013_01", "b", "7"]
LABEL = SubmissionFormat(kind="label", id_column="id", columns=["y"], targets=["y"], classes=["False", "True"], positive_class="True")
PROBABILITY = SubmissionFormat(
    kind="probability", id_column="id", columns=["y"], targets=["y"], classes=["no", "yes"], positive_class="yes"
)
MATRIX = SubmissionFormat(kind="probabilities", id_column="id", columns=["c", "a", "b"], targets=["y"], classes=["c", "a", "b"])
NUMBER = SubmissionFormat(kind="number", id_column="id", columns=["y"], targets=["y"])


def frame(**columns):
    return pd.DataFrame({"id": IDS, **columns})


def test_rows_are_aligned_by_id_as_text():
    table = frame(y=[1.0, 2.0, 3.0, 4.0]).iloc[[3, 1, 0, 2]]
    assert NUMBER.predictions(table, IDS).tolist() == [1.0, 2.0, 3.0, 4.0]


def test_reading_a_file_keeps_ids_as_they_stand(tmp_path):
    (tmp_path / "oof.csv").write_text("id,y\n007,1.5\n0013_01,2\nNA,3\n7,4e0\n")
    table = NUMBER.read(tmp_path / "oof.csv")
    assert NUMBER.predictions(table, ["7", "NA", "007", "0013_01"]).tolist() == [4.0, 3.0, 1.5, 2.0]


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        (["True", "False", "True", "True"], [1, 0, 1, 1]),
        ([True, False, True, True], [1, 0, 1, 1]),
        ([1, 0, 1, 1], [1, 0, 1, 1]),
        (["1.0", "0.0", "TRUE", "false"], [1, 0, 1, 0]),
    ],
)
def test_labels_in_other_spellings_are_the_same_labels(written, codes):
    assert LABEL.predictions(frame(y=written), IDS).tolist() == codes


def test_numeric_labels_written_as_floats_are_known():
    grades = SubmissionFormat(kind="label", id_column="id", columns=["y"], targets=["y"], classes=["3", "4", "10"])
    assert grades.predictions(frame(y=[3.0, 10.0, 4.0, 3.0]), IDS).tolist() == [0, 2, 1, 0]


def test_class_matrix_keeps_submission_order():
    table = frame(a=[0.7, 0.1, 0.1, 0.2], b=[0.2, 0.8, 0.1, 0.2], c=[0.1, 0.1, 0.8, 0.6])
    encoded = MATRIX.predictions(table, IDS)
    assert encoded.shape == (4, 3)
    assert encoded[0].tolist() == [0.1, 0.7, 0.2]
    assert MATRIX.truth(pd.DataFrame({"y": ["a", "b", "c"]})).tolist() == [1, 2, 0]


def test_truth_of_several_targets_has_one_column_each():
    form = SubmissionFormat(kind="number", id_column="id", columns=["u", "v"], targets=["u", "v"])
    assert form.truth(pd.DataFrame({"u": ["1", "2"], "v": ["3", "4.5"]})).tolist() == [[1.0, 3.0], [2.0, 4.5]]


def test_probability_truth_is_one_for_the_positive_class():
    assert PROBABILITY.truth(pd.DataFrame({"y": ["yes", "no"]})).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("form", "table", "reason"),
    [
        (NUMBER, frame(z=[1, 2, 3, 4]), "column 'y' is missing"),
        (NUMBER, frame(y=[1, 2, 3, 4]).drop(columns="id"), "id column 'id' is missing"),
        (NUMBER, frame(y=[1, 2, 3, 4]).iloc[:3], "1 of 4 ids are missing, the first is '7'"),
        (NUMBER, frame(y=[1, 2, 3, 4]).assign(id=["007", "007", "b", "7"]), "id '007' occurs more than once"),
        (NUMBER, frame(y=[1, 2, 3, 4]).assign(id=["7", "13_01", "b", "x"]), "ids are missing"),
        (NUMBER, pd.DataFrame({"id": [*IDS, "new"], "y": 1.0}), "1 ids do not belong there, the first is 'new'"),
        (NUMBER, frame(y=[1, np.nan, 3, 4]), "missing or infinite value in row 2"),
        (NUMBER, frame(y=[1, 2, np.inf, 4]), "missing or infinite value in row 3"),
        (NUMBER, frame(y=["1", "2", "three", "4"]), "has 'three' where a number is needed"),
        (NUMBER.model_copy(update={"domain": "nonnegative"}), frame(y=[1, 2, -0.5, 4]), "has -0.5 in row 3, which is below 0"),
        (NUMBER.model_copy(update={"domain": "positive"}), frame(y=[1, 2, 0.0, 4]), "which is not above 0"),
        (LABEL, frame(y=["True", "False", "Maybe", "True"]), "unknown label 'Maybe' in row 3"),
        (LABEL, frame(y=["True", None, "False", "True"]), "has a missing value in row 2"),
        (PROBABILITY, frame(y=[0.1, 0.2, 1.5, 0.3]), "has 1.5 in row 3, which is outside of [0, 1]"),
        (MATRIX, frame(a=[0.2] * 4, b=[0.2] * 4, c=[0.2] * 4), "add up to 0.6, not 1 (4 rows do not)"),
        (MATRIX, frame(a=[0.5] * 4, b=[0.5] * 4), "column 'c' is missing"),
    ],
)
def test_broken_rules_are_named(form, table, reason):
    with pytest.raises(FormatError) as error:
        form.predictions(table, IDS)
    assert reason in str(error.value)


def test_probabilities_that_add_up_within_rounding_are_fine():
    third = 1 / 3
    assert MATRIX.predictions(frame(a=[third] * 4, b=[third] * 4, c=[third + 5e-7] * 4), IDS).shape == (4, 3)


def test_missing_file_links_and_folders_are_refused(tmp_path):
    (tmp_path / "secret.csv").write_text("id,y\n007,1\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "oof.csv").write_text("id,y\n007,1\n")
    (tmp_path / "output").symlink_to(tmp_path / "real")
    for path, reason in [
        (tmp_path / "absent.csv", "absent.csv is missing"),
        (tmp_path / "link.csv", "symbolic link"),
        (tmp_path / "output" / "oof.csv", "symbolic link"),
        (tmp_path / "real", "not a plain file"),
    ]:
        with pytest.raises(FormatError, match=reason):
            NUMBER.read(path)


@pytest.mark.parametrize("content", [b"", b"id,y\n1,2\n3,4,5\n", b"\xff\xfe"])
@pytest.mark.parametrize("form", [NUMBER, LABEL])
def test_unreadable_files_are_a_format_error(tmp_path, content, form):
    (tmp_path / "oof.csv").write_bytes(content)
    with pytest.raises(FormatError):
        form.predictions(form.read(tmp_path / "oof.csv"), IDS)


def test_format_survives_json():
    assert SubmissionFormat.model_validate_json(MATRIX.model_dump_json()) == MATRIX
