"""Small real task folders."""

import json

import pytest

from tests.task.make import make_tables, write_task


@pytest.fixture
def plain_folder(tmp_path):
    """600 training rows, 120 test rows, yes/no target, sample submission, accuracy in the description."""
    train, test, answers = make_tables()
    sample = answers.assign(label="no")
    return write_task(tmp_path / "towns", train, test, sample, description="# Towns\n\n## Measure\naccuracy; higher is better.\n")


@pytest.fixture
def bench_folder(tmp_path):
    """The same as a prepared MLE-Bench folder with answers and thresholds."""
    train, test, answers = make_tables()
    home = tmp_path / "towns-bench"
    write_task(home / "public", train, test, answers.assign(label="no"), description="# Towns\n")
    (home / "private").mkdir()
    answers.to_csv(home / "private" / "answers.csv", index=False)
    meta = {
        "metric": "accuracy",
        "answers": "private/answers.csv",
        "thresholds": {"gold": 0.9, "silver": 0.8, "bronze": 0.7, "median": 0.6},
    }
    (home / "meta.json").write_text(json.dumps(meta))
    return home
