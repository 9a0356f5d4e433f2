"""What is done to a workspace before and after a script."""

import os
from pathlib import Path

import pytest

from gome_graph.errors import SandboxError
from gome_graph.execution import workspace


@pytest.fixture
def place(tmp_path: Path) -> Path:
    root = tmp_path / "step"
    root.mkdir()
    (root / "solution.py").write_text("print(1)", encoding="utf-8")
    return root


def test_a_workspace_without_a_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"solution\.py is missing"):
        workspace.prepare(tmp_path, None)


def test_input_becomes_a_link_or_an_empty_folder(place: Path, tmp_path: Path) -> None:
    workspace.prepare(place, None)
    assert list((place / "input").iterdir()) == []
    workspace.prepare(place, None, tmp_path)
    assert (place / "input").readlink() == tmp_path


def test_restoring_keeps_regular_outputs_alone(place: Path, tmp_path: Path) -> None:
    text = workspace.prepare(place, None)
    output = place / "output"
    (output / "deep").mkdir()
    for path in (output / "oof.csv", output / "deep" / "a.csv"):
        path.write_text("1", encoding="utf-8")
    (output / "link").symlink_to("oof.csv")
    os.mkfifo(output / "deep" / "pipe")
    os.link(output / "oof.csv", output / "twin")
    usage, refused = workspace.restore(place, text)
    assert {path.name for path in output.rglob("*")} - {"oof.csv", "twin"} == {"a.csv", "deep"}
    assert (output / "oof.csv").exists() != (output / "twin").exists()
    assert len(refused) == 3
    assert usage.entries == 8
    assert not (place / "input").exists()
    assert not (place / ".scratch").exists()


def test_restoring_puts_the_script_back_and_takes_set_uid_away(place: Path) -> None:
    text = workspace.prepare(place, None)
    (place / "solution.py").write_text("forged", encoding="utf-8")
    (place / "output" / "tool").write_text("x", encoding="utf-8")
    (place / "output" / "tool").chmod(0o4755)
    _, refused = workspace.restore(place, text)
    assert (place / "solution.py").read_text(encoding="utf-8") == "print(1)"
    assert (place / "output" / "tool").stat().st_mode & 0o7000 == 0
    assert "solution.py" in refused[0]


def test_a_nest_of_folders_too_deep_for_python_can_be_removed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(_path: Path) -> None:
        raise RecursionError

    monkeypatch.setattr("shutil.rmtree", overflow)
    here = os.open(place, os.O_RDONLY)
    for _ in range(100):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    workspace.remove(place / "d")
    assert not (place / "d").exists()


def test_more_files_than_anybody_needs_are_removed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "MAX_ENTRIES", 20)
    text = workspace.prepare(place, None)
    for number in range(40):
        (place / "output" / str(number)).touch()
    usage, refused = workspace.restore(place, text)
    assert usage.excessive
    assert list((place / "output").iterdir()) == []
    assert "More than 20 files" in refused[0]


def test_a_file_written_anew_does_not_follow_a_link(place: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched", encoding="utf-8")
    (place / "stdout.log").symlink_to(victim)
    workspace.write_file(place / "stdout.log", b"log")
    assert victim.read_text(encoding="utf-8") == "untouched"
    assert (place / "stdout.log").read_bytes() == b"log"
