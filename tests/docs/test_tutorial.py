"""The tutorial does what it says: its files are written and its commands run, in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "plugins" / "tutorial.md"
BLOCK = re.compile(r'^```(bash|python)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)

INSTALLER = """\
import pathlib, sys, tomllib
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
place = pathlib.Path(sys.argv[1]) / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
place.mkdir(parents=True)
(place / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {project['name']}\\nVersion: {project['version']}\\n")
points = project["entry-points"]["gome_graph"]
(place / "entry_points.txt").write_text("[gome_graph]\\n" + "".join(f"{name} = {where}\\n" for name, where in points.items()))
"""
"""Stands for ``pip install -e .``: the same metadata, in a place of the test's own, without a build."""


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``gome``, ``python`` and ``pip`` are those under test."""
    place, site = tmp_path / "bin", tmp_path / "site"
    place.mkdir()
    (tmp_path / "installer.py").write_text(INSTALLER)
    scripts = {
        "gome": f'exec "{sys.executable}" -m gome_graph.cli "$@"', "python": f'exec "{sys.executable}" "$@"',
        "pip": f'test "$*" = "install -e ." && exec "{sys.executable}" "{tmp_path}/installer.py" "{site}"',
    }  # fmt: skip
    for name, text in scripts.items():
        (place / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / name).chmod(0o755)
    paths = [str(tmp_path / "gome-folds"), str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "160"}
    environment.pop("GOME_PLUGINS", None)
    return environment


def test_every_command_of_the_tutorial_works(tools: dict[str, str], tmp_path: Path) -> None:
    where, said = tmp_path, ""
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 8
    for language, title, text in blocks:
        if language == "python":
            (where / title).write_text(text, encoding="utf-8")
            continue
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text + "\npwd"], cwd=where, env=tools, capture_output=True, text=True,
                              timeout=250, check=False)  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        said += done.stdout
        where = Path(done.stdout.splitlines()[-1])
    assert said.count("3 passed") == 2
    assert "the median fold" in said  # the finding, in a real run
