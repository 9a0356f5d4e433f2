"""The command line as users meet it: in this process, or as a real one."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "report"))

from fake_run import build

from gome_graph.cli import output
from gome_graph.cli.app import run_cli
from gome_graph.run import RunDirectory


@dataclass
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def no_flags_of_earlier_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test's command said by its flags must not be heard by the next test."""
    for flag in ("json", "quiet", "debug"):
        monkeypatch.setattr(output.mode, flag, False)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, and colours stay out of what is compared."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def gome(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Runs a command line in this process, in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def run(*args: object) -> Said:
        capsys.readouterr()
        code = run_cli([str(a) for a in args])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Said]:
    """Runs a real ``gome`` process."""

    def run(*args: object, **env: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "gome_graph.cli", *map(str, args)], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={**os.environ, **env}, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def finished(tmp_path: Path) -> RunDirectory:
    """A run of three traces that ended well."""
    return build(tmp_path / "runs" / "spaceship-1", per_trace=5)


@pytest.fixture
def crashed(tmp_path: Path) -> RunDirectory:
    """A run whose process is gone, without a result."""
    return build(tmp_path / "runs" / "spaceship-2", per_trace=2, finished=False)
