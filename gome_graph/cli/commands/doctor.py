"""``gome doctor``: can this machine do the job, and how well walled."""

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from gome_graph.cli import output
from gome_graph.cli.options import Debug, Json, Quiet

HELP = """Check Python, packages, cores, memory, disk, the sandbox and the plugins; exit code 1 if something must be mended.

Example: [bold]gome doctor[/bold]
"""

PACKAGES = ("gome-graph", "gome-memory", "langgraph", "pandas", "numpy", "scikit-learn", "lightgbm", "catboost", "chromadb")
NEEDED = frozenset({"gome-graph", "langgraph", "pandas", "numpy", "scikit-learn"})

LOW_MEMORY_BYTES = 2 << 30
LOW_DISK_BYTES = 1 << 30

OK, WARN, BAD = "ok", "warn", "bad"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", help=HELP)(doctor)


def doctor(json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Check this machine."""
    rows = [*_machine(), *_packages(), *_parts()]
    healthy = all(row["state"] != BAD for row in rows)
    output.result({"healthy": healthy, "checks": rows})
    output.tell(_table(rows))
    output.say("" if healthy else "mend what is marked ✗; see the right column")
    if not healthy:
        raise typer.Exit(1)


def _check(name: str, state: str, found: str, mend: str = "") -> dict[str, str]:
    return {"check": name, "state": state, "found": found, "mend": mend}


def _machine() -> list[dict[str, str]]:
    import psutil

    from gome_graph.report.format import size

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    writable = os.access(Path.cwd(), os.W_OK)
    return [
        _check("python", OK if sys.version_info >= (3, 11) else BAD, platform.python_version(), "needs 3.11 or newer"),
        _check("system", OK, f"{platform.system()} {platform.release()} {platform.machine()}"),
        _check("cores", OK if cores > 1 else WARN, str(cores), "with one core traces take turns; --traces 1 may do better"),
        _check("memory", OK if memory.available > LOW_MEMORY_BYTES else WARN, f"{size(memory.available)} free of {size(memory.total)}",
               "scripts may be ended for want of memory"),
        _check("disk", OK if disk.free > LOW_DISK_BYTES else BAD, f"{size(disk.free)} free here", "free some space"),
        _check("folder", OK if writable else BAD, str(Path.cwd()), "the working directory is not writable; use --out"),
    ]  # fmt: skip


def _packages() -> list[dict[str, str]]:
    rows = []
    for name in PACKAGES:
        try:
            rows.append(_check(name, OK, version(name)))
        except PackageNotFoundError:
            rows.append(_check(name, BAD if name in NEEDED else WARN, "not installed", f"pip install {name}"))
    return rows


def _parts() -> list[dict[str, str]]:
    """Sandbox, plugins and what they offer; each failure is a row, not the end."""
    from gome_graph.cli.commands.plugins import offers_of
    from gome_graph.graph.builtins import load

    try:
        plugins = load()
        offers = offers_of(plugins)
    except Exception as error:
        return [_check("plugins", BAD, f"{type(error).__name__}: {error}", "see gome plugins")]
    rows = [_sandbox(plugins)]
    for offer in offers:
        if offer["kind"] != "strategy":
            missing = "; ".join(offer["missing"])
            rows.append(_check(f"{offer['kind'].replace('_', ' ')} {offer['name']}", WARN if missing else OK, missing or "ready"))
    for row in plugins.rows():
        if row.status != "built-in":
            bad = row.status == "broken"
            rows.append(_check(f"plugin {row.name}", BAD if bad else OK, row.error or f"{row.status} {row.version}".strip(),
                               f"update or uninstall {row.module}" if bad else ""))  # fmt: skip
    return rows


def _sandbox(plugins: Any) -> dict[str, str]:
    try:
        executor = plugins.make("executor", "local", {})
        try:
            found = executor.protections()
        finally:
            executor.close()
    except Exception as error:
        return _check("sandbox", BAD, f"{type(error).__name__}: {error}", "no script can be run")
    walls = {
        "network": found.network_blocked, "files": found.filesystem_confined, "processes": found.processes_confined,
        "memory": found.memory_limited,
    }  # fmt: skip
    words = ", ".join(f"{name} {'✓' if up else 'OPEN'}" for name, up in walls.items())
    return _check("sandbox", OK if all(walls.values()) else WARN, f"{found.mechanism}: {words}", " ".join(found.notes))


def _table(rows: list[dict[str, str]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    signs = {OK: Text("✓", style="green"), WARN: Text("!", style="bold yellow"), BAD: Text("✗", style="bold red")}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "check", "found", "mend"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(signs[row["state"]], row["check"], Text(row["found"]), Text(row["mend"] if row["state"] != OK else ""))
    return table
