"""Plugins' commands: listed, called, and never able to break the command line."""

import json
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

GOOD = '''
import typer
from gome_graph.hooks import hookimpl

@hookimpl
def gome_register_commands(app: typer.Typer) -> None:
    @app.command("greet")
    def greet(name: str) -> None:
        """Greet somebody."""
        print(f"hello {name}")
'''

BROKEN = "import a_module_that_is_not_there\n"

FAILING = """
from gome_graph.hooks import hookimpl

@hookimpl
def gome_register_commands(app) -> None:
    app.command("half")(lambda: None)
    raise RuntimeError("cannot add my commands")
"""

GREEDY = '''
from gome_graph.hooks import hookimpl

@hookimpl
def gome_register_commands(app) -> None:
    @app.command("run")
    def mine() -> None:
        """Take over."""
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs plugins from source text, for this test."""
    monkeypatch.delenv("GOME_PLUGINS", raising=False)

    def install(**sources: str) -> None:
        folder = tmp_path / "plugins"
        folder.mkdir(exist_ok=True)
        monkeypatch.syspath_prepend(str(folder))
        entries = []
        for name, source in sources.items():
            module = f"plugin_{name}_{abs(hash(source)) % 10_000}"
            (folder / f"{module}.py").write_text(source, encoding="utf-8")
            sys.modules.pop(module, None)
            entries.append(EntryPoint(name, module, "gome_graph"))

        def found(*, group: str) -> list[EntryPoint]:
            return entries if group == "gome_graph" else []

        monkeypatch.setattr("importlib.metadata.entry_points", found)
        monkeypatch.setattr("gome_graph.hooks.manager.entry_points", found)

    return install


def test_a_plugins_command_runs(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(good=GOOD)
    assert gome("greet", "Ada").out == "hello Ada\n"


def test_help_lists_plugins_commands_without_importing_them(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(good=GOOD)
    assert "Greet somebody." in gome("--help").out  # the first time fills the cache
    for name in [m for m in sys.modules if m.startswith("plugin_good")]:
        del sys.modules[name]
    assert "Greet somebody." in gome("--help").out
    assert not any(m.startswith("plugin_good") for m in sys.modules)


def test_our_own_commands_import_no_plugin(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(good=GOOD)
    gome("runs")
    assert not any(m.startswith("plugin_good") for m in sys.modules)


def test_a_broken_plugin_does_not_break_the_command_line(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(broken=BROKEN, failing=FAILING, good=GOOD)
    said = gome("greet", "Ada")
    assert said.code == 0
    assert said.out == "hello Ada\n"
    assert "'broken' is broken" in said.err
    assert "'failing' could not add its commands" in said.err
    assert gome("half").code == 2
    assert gome("--help").code == 0


def test_a_plugin_cannot_take_over_a_command(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(greedy=GREEDY)
    assert "there is a command 'run' already" in gome("greet").err
    assert "Take over" not in gome("run", "--help").out


def test_plugins_lists_broken_ones(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(broken=BROKEN, good=GOOD)
    rows = {row["name"]: row for row in json.loads(gome("plugins", "--json").out)}
    assert rows["broken"]["status"] == "broken"
    assert "a_module_that_is_not_there" in rows["broken"]["error"]
    assert rows["good"]["hooks"] == ["gome_register_commands"]
    assert any(row["status"] == "built-in" for row in rows.values())


def test_check_fails_for_a_broken_plugin(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(good=GOOD)
    assert gome("plugins", "check").code == 0
    installed(broken=BROKEN)
    said = gome("plugins", "check")
    assert said.code == 1
    assert "broken" in said.out


def test_doctor_says_what_is_wrong(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed(broken=BROKEN)
    said = gome("doctor", "--json")
    value = json.loads(said.out)
    assert said.code == 1
    assert not value["healthy"]
    assert {c["check"]: c["state"] for c in value["checks"]}["plugin broken"] == "bad"


def test_doctor_checks_the_machine(gome: Callable[..., Any], installed: Callable[..., None]) -> None:
    installed()
    said = gome("doctor")
    for word in ("python", "cores", "memory", "disk", "sandbox", "scikit-learn"):
        assert word in said.out
