from pathlib import Path

import pytest

from gome_graph.errors import RunError
from gome_graph.records import Score
from gome_graph.run import RunDirectory


def test_an_occupied_out_directory_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="not empty"):
        RunDirectory.create("task", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_without_a_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run directory"):
        RunDirectory.open(tmp_path)


def test_two_processes_cannot_hold_the_same_run(tmp_path: Path) -> None:
    run = RunDirectory.create("task", tmp_path / "run")
    with run.lock():
        assert run.is_live()
        with pytest.raises(RunError, match="another gome process"), run.lock():
            pass
    assert not run.is_live()


def test_steps_are_listed_by_number_not_by_letter(tmp_path: Path) -> None:
    run = RunDirectory.create("task", tmp_path / "run")
    for name in ("t0-10", "t0-2", "t10-0", "t1-0"):
        run.step(name).root.mkdir(parents=True)
    assert run.steps() == ["t0-2", "t0-10", "t1-0", "t10-0"]


def test_audit_scores_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    run = RunDirectory.create("task", tmp_path / "run")
    score = Score(metric="accuracy", higher_is_better=True, value=0.9, standard_error=0.1, rows=10)
    run.save_audit("t0-0", 0, score)
    assert run.audit("t0-0", 0) == score
    assert (run.vault.stat().st_mode & 0o077) == 0
    assert all(p.stat().st_mode & 0o077 == 0 for p in run.vault.iterdir())
