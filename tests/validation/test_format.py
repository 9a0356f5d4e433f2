"""Files that are missing, malformed, of the wrong rows or not files at all are refused as bad format."""

import os

import numpy as np
import pandas as pd
import pytest

from gome_graph.records import Stage, VerdictKind
from gome_graph.validation import validate
from gome_graph.validation.format import Refused, read_output

TASKS = ("binary", "labels", "classes", "number")


@pytest.fixture(params=TASKS)
def task(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def output(task, kit, tmp_path):
    return kit.write(task, kit.script(task, task.input_dir(Stage.FULL)), tmp_path / "w")


def refusal(task, output) -> str:
    with pytest.raises(Refused) as caught:
        read_output(task, output, Stage.FULL)
    assert caught.value.kind is VerdictKind.BAD_FORMAT
    assert not caught.value.checks[-1].passed
    return caught.value.reason


def edit(path, change) -> None:
    frame = pd.read_csv(path)
    change(frame).to_csv(path, index=False)


def test_honest_files_are_read_and_aligned(task, output):
    found = read_output(task, output, Stage.FULL)
    assert len(found.oof) == len(task.train_ids)
    assert len(found.submission) == len(task.test_ids(Stage.FULL))
    assert all(check.passed for check in found.checks)


def test_rows_in_another_order_are_aligned_by_id(task, output):
    before = read_output(task, output, Stage.FULL).oof
    edit(output / "oof.csv", lambda frame: frame.sample(frac=1, random_state=0))
    np.testing.assert_allclose(read_output(task, output, Stage.FULL).oof, before)


def cell(task, value):
    def change(frame):
        column = task.format.columns[0]
        frame[column] = frame[column].astype(object)
        frame.loc[5, column] = value
        return frame

    return change


@pytest.mark.parametrize("value", ["", "nan", "inf", "many words"])
@pytest.mark.parametrize("name", ["oof.csv", "submission.csv"])
def test_a_value_that_is_none_is_refused(task, output, name, value):
    edit(output / name, cell(task, value))
    assert name in refusal(task, output)


def test_duplicated_rows_are_refused(task, output):
    edit(output / "oof.csv", lambda frame: pd.concat([frame, frame.head(3)]))
    assert "more than once" in refusal(task, output)


def test_missing_rows_are_refused(task, output):
    edit(output / "submission.csv", lambda frame: frame.head(50))
    assert "missing" in refusal(task, output)


def test_foreign_ids_are_refused(task, output):
    edit(output / "oof.csv", lambda frame: frame.assign(id="z" + frame["id"]))
    assert "ids" in refusal(task, output)


def test_wrong_columns_are_named(task, output):
    edit(output / "oof.csv", lambda frame: frame.rename(columns={task.format.columns[0]: "prediction"}))
    assert task.format.columns[0] in refusal(task, output)


def test_columns_that_only_one_file_has_are_refused(task, output):
    edit(output / "submission.csv", lambda frame: frame.assign(extra=1))
    assert "extra" in refusal(task, output)


def test_probabilities_must_add_up(classes, kit, tmp_path):
    output = kit.write(classes, kit.script(classes, classes.input_dir(Stage.FULL)), tmp_path / "w")
    edit(output / "oof.csv", lambda frame: frame.assign(**{c: frame[c] * 0.9 for c in classes.format.columns}))
    assert "add up" in refusal(classes, output)


def test_probabilities_must_lie_between_0_and_1(binary, kit, tmp_path):
    output = kit.write(binary, kit.script(binary, binary.input_dir(Stage.FULL)), tmp_path / "w")
    edit(output / "oof.csv", lambda frame: frame.assign(**{c: frame[c] * 3 - 1 for c in binary.format.columns}))
    assert "[0, 1]" in refusal(binary, output)


def test_a_truncated_file_is_refused(task, output):
    path = output / "oof.csv"
    path.write_bytes(path.read_bytes()[:-200])
    assert refusal(task, output)


def test_a_gigantic_file_is_refused_unread(task, output):
    with (output / "submission.csv").open("ab") as file:
        file.truncate(10 << 30)
    assert "bytes" in refusal(task, output)


@pytest.mark.parametrize("target", ["elsewhere.csv", "/etc/passwd"])
def test_symbolic_links_are_refused(task, output, target):
    (output / "oof.csv").rename(output / "elsewhere.csv")
    (output / "oof.csv").symlink_to(target)
    assert "link" in refusal(task, output)


def test_an_output_folder_that_is_a_link_is_refused(task, output):
    output.rename(output.with_name("real"))
    output.symlink_to("real")
    assert "directory" in refusal(task, output)


def test_a_pipe_does_not_hang_the_controller(task, output):
    (output / "oof.csv").unlink()
    os.mkfifo(output / "oof.csv")
    assert "regular" in refusal(task, output)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x01", b"\n\n\n", b"id\n"])
def test_empty_and_binary_files_are_refused(task, output, content):
    (output / "oof.csv").write_bytes(content)
    assert refusal(task, output)


@pytest.mark.parametrize("name", ["oof.csv", "submission.csv"])
def test_a_missing_file_is_named(task, output, name):
    (output / name).unlink()
    assert name in refusal(task, output)


def test_sample_stage_asks_for_the_rows_of_the_sample(number, kit, tmp_path):
    full = kit.write(number, kit.script(number, number.input_dir(Stage.FULL)), tmp_path / "full")
    sample = kit.write(number, kit.script(number, number.input_dir(Stage.SAMPLE)), tmp_path / "sample", Stage.SAMPLE)
    assert validate(number, sample, kit.ran(Stage.SAMPLE), stage=Stage.SAMPLE).verdict.accepted
    assert validate(number, full, kit.ran(Stage.SAMPLE), stage=Stage.SAMPLE).verdict.kind is VerdictKind.BAD_FORMAT
