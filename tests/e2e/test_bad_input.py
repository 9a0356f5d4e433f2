"""Bad input through the real command line: one sentence, exit code 2, nothing left behind."""

from pathlib import Path

import pandas as pd
import pytest

from tests.e2e.conftest import Gome


def spoil(task: Path, how: str) -> None:
    """Make one thing about a good task folder wrong."""
    train, sample = task / "train.csv", task / "sample_submission.csv"
    frame = pd.read_csv(train)
    if how == "ids":
        pd.read_csv(sample).assign(id=lambda s: "x" + s["id"]).to_csv(sample, index=False)
    elif how == "no rows":
        frame[:0].to_csv(train, index=False)
    elif how == "no bytes":
        train.write_bytes(b"")
    elif how == "one class":
        frame.assign(outcome="yes").to_csv(train, index=False)
    elif how == "no labels":
        frame.assign(outcome=None).to_csv(train, index=False)
    elif how == "unreadable":
        train.write_bytes(b'id,a,outcome\n"1,2,yes\n3,4')
    elif how == "binary":
        train.write_bytes(bytes(range(256)) * 20)
    elif how == "twice":
        pd.concat([frame, frame[:5]]).to_csv(train, index=False)
    elif how == "toml":
        (task / "task.toml").write_text("name = \n")


@pytest.mark.parametrize(
    ("how", "names"),
    [
        ("ids", "sample_submission.csv"),
        ("no rows", "train.csv"),
        ("no bytes", "train.csv"),
        ("one class", "outcome"),
        ("no labels", "outcome"),
        ("unreadable", "train.csv"),
        ("binary", "train.csv"),
        ("twice", "id"),
        ("toml", "task.toml"),
    ],
)
def test_a_spoiled_task_is_refused_by_name(task: Path, gome: Gome, tmp_path: Path, how: str, names: str) -> None:
    spoil(task, how)
    done = gome("run", task, "--budget", "30s", "--out", tmp_path / "run")
    assert done.returncode == 2, done.stdout + done.stderr
    complaint = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(complaint) == 1, done.stderr
    assert names in complaint[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--budget", "0"], "--budget"),
        (["--metric", "acuracy"], "accuracy"),
        (["--target", "outcom"], "outcome"),
        (["--train", "missing.csv"], "missing.csv"),
        (["--drop", "nothing"], "nothing"),
    ],
)
def test_a_wrong_flag_is_refused_by_name(task: Path, gome: Gome, tmp_path: Path, flags: list[str], names: str) -> None:
    done = gome("run", task, "--out", tmp_path / "run", *flags)
    assert done.returncode == 2, done.stdout + done.stderr
    assert names in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "run").exists()
