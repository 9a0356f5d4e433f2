"""``gome demo`` and ``gome init``: the first minutes of a newcomer."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, "-m", "gome_graph.cli.demo_data", str(folder)], check=True, timeout=120)
    return folder


def test_the_demos_answers_lie_apart_from_its_task(demo_data: Path) -> None:
    assert sorted(p.name for p in (demo_data / "task").iterdir()) == [
        "description.md", "sample_submission.csv", "task.toml", "test.csv", "train.csv",
    ]  # fmt: skip
    assert "digit" not in (demo_data / "task" / "test.csv").read_text(encoding="utf-8").splitlines()[0]


def test_the_demos_task_loads_and_its_sample_can_be_graded(demo_data: Path) -> None:
    from gome_graph.task import grade, load_task

    task = load_task(demo_data / "task")
    assert (task.metric, task.higher_is_better, task.target) == ("log_loss", False, ["digit"])
    graded = grade(task, demo_data / "task" / "sample_submission.csv")
    assert graded["valid"], graded["reason"]
    assert graded["score"] == pytest.approx(2.302585, abs=1e-4)  # ln 10: nothing is known


def test_dry_run_says_what_would_be_done_and_does_nothing(gome: Callable[..., Any], demo_data: Path, tmp_path: Path) -> None:
    said = gome("run", demo_data / "task", "--dry-run", "--budget", "1m", "--traces", "3")
    assert said.code == 0
    for words in ("log_loss, lower is better", "task.toml", "1 m 00 s, 3 traces", "walls", "network"):
        assert words in said.out
    value = json.loads(gome("run", demo_data / "task", "--dry-run", "--json", "--no-memory", "--no-plugins").out)
    assert value["settings"]["memory"] == "none"
    assert value["settings"]["plugins"] == []
    assert list(tmp_path.iterdir()) == []


def test_a_memory_that_is_no_word_is_a_folder_to_share(gome: Callable[..., Any], demo_data: Path, tmp_path: Path) -> None:
    value = json.loads(gome("run", demo_data / "task", "--dry-run", "--json", "--memory", "lessons").out)
    assert (value["settings"]["memory"], value["settings"]["memory_path"]) == ("auto", str(tmp_path / "lessons"))


def test_a_memory_by_name_is_chosen(gome: Callable[..., Any], demo_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gome_memory")
    monkeypatch.delenv("GOME_PLUGINS")
    value = json.loads(gome("run", demo_data / "task", "--dry-run", "--json", "--memory", "chroma").out)
    assert (value["settings"]["memory"], value["settings"]["memory_path"]) == ("chroma", None)


def test_a_plugin_that_is_not_there_is_one_sentence(gome: Callable[..., Any], demo_data: Path) -> None:
    said = gome("run", demo_data / "task", "--executor", "kubernetes", "--dry-run")
    assert said.code == 2
    assert "kubernetes" in said.err
    assert "local" in said.err


def test_init_writes_a_task_that_loads_again(gome: Callable[..., Any], demo_data: Path, tmp_path: Path) -> None:
    from gome_graph.task import load_task

    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        (folder / name).write_bytes((demo_data / "task" / name).read_bytes())
    dry = gome("init", folder, "--target", "digit", "--metric", "log loss", "--dry-run")
    assert dry.code == 0
    assert not (folder / "task.toml").exists()
    said = gome("init", folder, "--target", "digit", "--metric", "log loss")
    assert said.code == 0
    text = (folder / "task.toml").read_text(encoding="utf-8")
    assert text.startswith("# A task for gome")
    assert "# What to predict" in text
    assert dry.out.strip() == text.strip() or "# What to predict" in dry.out
    task = load_task(folder)
    assert (task.target, task.metric, task.metric_source) == (["digit"], "log_loss", "task.toml")
    assert gome("init", folder, "--target", "digit").code == 2  # never overwrites without --force


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_demo_ends_in_time_with_a_graded_submission(process: Callable[..., Any], tmp_path: Path) -> None:
    said = process("demo", "--budget", "60s", "--json")
    assert said.code == 0, said.err
    value = json.loads(said.out)
    assert value["status"] == "done"
    assert value["spent_seconds"] <= 61
    assert value["grade"]["valid"]
    for name in ("solution", "submission", "report"):
        assert Path(tmp_path, value["files"][name]).stat().st_size > 0
