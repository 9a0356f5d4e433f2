"""Commands that plugins bring.

Importing a plugin costs half a second or more, so ``gome --help`` lists plugins' commands from a small cache that is valid for exactly the
plugins and versions installed; a command that is run comes from the plugin itself.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from gome_graph.support.places import cache_folder

GROUP = "gome_graph"
PANEL = "Commands of plugins"


def add_real(app: typer.Typer) -> None:
    """Import the plugins and let them register; one that fails is named on stderr and left out."""
    from gome_graph.hooks.manager import load_plugins

    try:
        plugins = load_plugins()
    except Exception as error:  # GOME_PLUGINS names one that is missing or broken: our own commands must go on
        print(f"gome: plugins are left out: {error}", file=sys.stderr)
        return
    for row in plugins.broken():
        print(f"gome: plugin {row.name!r} is broken and left out: {row.error}", file=sys.stderr)
    before = set(_names(app))
    for impl in plugins.manager.hook.gome_register_commands.get_hookimpls():
        count = len(app.registered_commands), len(app.registered_groups)
        try:
            impl.function(app=app)
            _refuse_duplicates(app, impl.plugin_name, count)
        except Exception as error:
            del app.registered_commands[count[0] :], app.registered_groups[count[1] :]
            print(f"gome: plugin {impl.plugin_name!r} could not add its commands: {error}", file=sys.stderr)
    _save({name: text for name, text in _names(app).items() if name not in before})


def add_listed(app: typer.Typer) -> None:
    """Stubs with name and help text, for ``gome --help``."""
    listed = _load()
    if listed is None:
        add_real(app)
        return
    own = _names(app)
    for name, text in listed.items():
        if name not in own:
            app.command(name, help=text, rich_help_panel=PANEL)(_stub)


def _stub() -> None:
    """Never called: a named command is added by `add_real`."""


def _refuse_duplicates(app: typer.Typer, plugin: str, count: tuple[int, int]) -> None:
    old = typer.Typer()
    old.registered_commands, old.registered_groups = app.registered_commands[: count[0]], app.registered_groups[: count[1]]
    new = typer.Typer()
    new.registered_commands, new.registered_groups = app.registered_commands[count[0] :], app.registered_groups[count[1] :]
    for name in _names(new):
        if name in _names(old):
            raise ValueError(f"there is a command {name!r} already")
    infos: list[Any] = [*new.registered_commands, *new.registered_groups]
    for info in infos:
        if not isinstance(info.rich_help_panel, str):
            info.rich_help_panel = PANEL


def _names(app: typer.Typer) -> dict[str, str]:
    """Command name -> first line of its help."""
    if not app.registered_commands and not app.registered_groups:
        return {}
    named = typer.Typer()
    named.registered_commands, named.registered_groups = app.registered_commands, app.registered_groups
    named.callback()(_stub)  # with a callback typer makes a group even of a single command
    commands: dict[str, Any] = getattr(get_command(named), "commands", {})
    return {name: _line(command.help) for name, command in commands.items()}


def _line(doc: Any) -> str:
    return str(doc).strip().splitlines()[0] if doc else ""


def _fingerprint() -> list[str]:
    """Installed plugins with versions and the time their metadata were written."""
    from importlib.metadata import entry_points

    found = []
    for entry in entry_points(group=GROUP):
        version = entry.dist.version if entry.dist else ""
        where = str(getattr(entry.dist, "_path", ""))
        changed = Path(where).stat().st_mtime_ns if where and Path(where).exists() else 0
        found.append(f"{entry.name}={entry.value}=={version}@{where}:{changed}")
    return [*sorted(found), os.environ.get("GOME_PLUGINS", "*")]


def _cache() -> Path:
    return cache_folder() / "plugin-commands.json"


def _load() -> dict[str, str] | None:
    """The listed commands; None if they are not known for the plugins installed."""
    key = _fingerprint()
    if len(key) == 1:
        return {}
    try:
        saved = json.loads(_cache().read_text(encoding="utf-8"))
        return dict(saved["commands"]) if saved["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None


def _save(commands: dict[str, str]) -> None:
    from gome_graph.support.files import write_json

    try:
        write_json(_cache(), {"key": _fingerprint(), "commands": commands})
    except (OSError, RuntimeError):
        return  # no cache: the next --help is slower, nothing else
