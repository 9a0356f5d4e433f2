"""Help: quick, complete, with an example each."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

COMMANDS = [
    "run",
    "resume",
    "demo",
    "init",
    "runs",
    "show",
    "diff",
    "report",
    "derive",
    "export",
    "stop",
    "instruct",
    "grade",
    "doctor",
    "plugins",
]
HEAVY = ("pandas", "numpy", "pydantic", "langgraph", "sklearn", "lightgbm", "chromadb", "jinja2", "gome_graph.records", "gome_graph.graph")


def test_help_is_quick(process: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert process("--help").code == 0  # fills the cache of plugins' commands
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert process("--help").code == 0
        times.append(time.perf_counter() - start)
    with capsys.disabled():
        print(f"\ngome --help: median {statistics.median(times):.3f} s, best {min(times):.3f} s of {len(times)} (bar 0.5 s)")
    assert min(times) < 1.0  # generous: the machine may be busy


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from gome_graph.cli.app import build_app; from typer.main import get_command; "
        "get_command(build_app()).main(['--help'], standalone_mode=False); "
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_and_the_shared_flags(gome: Callable[..., Any], command: str) -> None:
    said = gome(command, "--help")
    assert said.code == 0
    assert f"Example: gome {command}" in said.out
    for flag in ("--json", "--quiet", "--debug"):
        assert flag in said.out


def test_help_lists_all_commands(gome: Callable[..., Any]) -> None:
    said = gome("--help")
    assert [c for c in COMMANDS if f" {c} " not in said.out] == []


def test_no_arguments_show_the_help(gome: Callable[..., Any]) -> None:
    said = gome()
    assert said.code == 0
    assert "gome demo" in said.out


def test_version_is_printed(gome: Callable[..., Any]) -> None:
    from gome_graph import __version__

    assert gome("--version").out == f"gome {__version__}\n"
