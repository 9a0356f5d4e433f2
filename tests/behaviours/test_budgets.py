"""Behaviour 6: real runs end in time with a valid submission, also after kill -9. Twenty of them: benchmarks/behaviours.py."""

from pathlib import Path

import pandas as pd
import pytest

from tests.behaviours import budgets, small_tasks


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_whole_and_a_killed_run_keep_the_budget_and_a_valid_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gome_memory")
    monkeypatch.setattr(budgets, "BUDGETS", (30.0, 35.0))
    found = budgets.sweep(tmp_path, 2)
    assert found[1].killed_at is not None
    # How long the interpreter and its imports take beside the clock depends on the machine: the benchmark says it, no test rests on it.
    missed = [check.line() for check in budgets.checks(found) if check.passed is False and "process" not in check.name]
    assert missed == []


@pytest.mark.parametrize("shape", small_tasks.SHAPES)
def test_a_sample_submission_is_found_constant_and_a_varied_one_valid(tmp_path: Path, shape: str) -> None:
    task = small_tasks.write(tmp_path, shape)
    sample = pd.read_csv(task / "sample_submission.csv")
    varied = sample.copy()
    varied.iloc[0, 1] = 0.25
    varied.to_csv(tmp_path / "varied.csv", index=False)
    flat = sample.assign(**dict.fromkeys(sample.columns[1:], 0.5))
    flat.to_csv(tmp_path / "flat.csv", index=False)
    assert small_tasks.submission_fault(task, tmp_path / "varied.csv") == ""
    assert small_tasks.submission_fault(task, tmp_path / "flat.csv") == "constant predictions"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda frame: frame[:-1], "ids that are not those"),
        (lambda frame: frame[::-1], "ids that are not those"),
        (lambda frame: frame.rename(columns={"y": "z"}), "columns"),
        (lambda frame: frame.assign(y=[float("nan"), *frame["y"][1:]]), "no finite numbers"),
        (lambda frame: frame.assign(y=[1.5, *frame["y"][1:]]), "outside 0 to 1"),
    ],
)
def test_a_broken_submission_is_found(tmp_path: Path, spoil, fault: str) -> None:  # type: ignore[no-untyped-def]
    task = small_tasks.write(tmp_path, "binary")
    spoil(pd.read_csv(task / "sample_submission.csv")).to_csv(tmp_path / "submission.csv", index=False)
    assert fault in small_tasks.submission_fault(task, tmp_path / "submission.csv")


def test_a_cut_off_submission_is_found(tmp_path: Path) -> None:
    task = small_tasks.write(tmp_path, "binary")
    text = (task / "sample_submission.csv").read_text()
    (tmp_path / "submission.csv").write_text(text[: len(text) // 2])
    assert small_tasks.submission_fault(task, tmp_path / "submission.csv")
    assert "unreadable" in small_tasks.submission_fault(task, tmp_path / "nothing.csv")
