"""``gome plugins new``: the project works as it is."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gome_graph.hooks.manager import load_plugins


@pytest.mark.parametrize("kind", ["diagnosis", "events"])
def test_the_tests_of_a_new_project_pass(gome: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    said = gome("plugins", "new", "gome-shifts", "--kind", kind, "--json")
    assert said.code == 0
    assert json.loads(said.out)["files"] == [
        "README.md", "gome_shifts/__init__.py", "gome_shifts/plugin.py", "pyproject.toml", "tests/test_plugin.py"
    ]  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=tmp_path / "gome-shifts", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_a_new_project_is_loaded_once_it_is_installed(gome: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gome("plugins", "new", "gome-shifts")
    project = tmp_path / "gome-shifts"
    installed = project / "gome_shifts-0.1.0.dist-info"  # what an installer writes: no network, no build
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: gome-shifts\nVersion: 0.1.0\n")
    import tomllib

    points = tomllib.loads((project / "pyproject.toml").read_text())["project"]["entry-points"]["gome_graph"]
    (installed / "entry_points.txt").write_text("[gome_graph]\n" + "".join(f"{name} = {place}\n" for name, place in points.items()))
    monkeypatch.syspath_prepend(project)
    rows = {row.name: row for row in load_plugins(["shifts"]).rows()}
    assert (rows["shifts"].status, rows["shifts"].version, rows["shifts"].hooks) == ("loaded", "0.1.0", ["gome_diagnose"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["Gome Shifts"], "no name for a new distribution"), (["../up"], "no name"), (["gome-graph"], "no name"), (["class"], "no name"),
     (["gome-x", "--kind", "magic"], "diagnosis, events")],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(gome: Callable[..., Any], tmp_path: Path, arguments: list[str], words: str) -> None:
    said = gome("plugins", "new", *arguments)
    assert said.code == 2
    assert words in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(gome: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "gome-x").mkdir()
    assert gome("plugins", "new", "gome-x").code == 2
    assert list((tmp_path / "gome-x").iterdir()) == []


def test_help_of_plugins_new_has_an_example(gome: Callable[..., Any]) -> None:
    assert "Example: gome plugins new" in gome("plugins", "new", "--help").out
