"""Flags that all commands share, and the words people write durations in."""

import re
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.output import mode


def _json(value: bool) -> bool:
    mode.json = mode.json or value
    return value


def _quiet(value: bool) -> bool:
    mode.quiet = mode.quiet or value
    return value


def _debug(value: bool) -> bool:
    mode.debug = mode.debug or value
    return value


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.", callback=_json, is_eager=True)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what was asked for.", callback=_quiet, is_eager=True)]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", callback=_debug, is_eager=True)]

RunArg = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory, for example runs/sales-3f2a1c.", show_default=False)]

MAX_SEED = 2_000_000_000
"""Scripts hand the seed, and some numbers after it, to libraries that take 31 bits."""

MOST_BUDGET_DAYS = 30
"""See `gome_graph.run.settings.MOST_BUDGET_SECONDS`."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?")


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``10m``, ``1h30m``.

    Raises
    ------
    TaskError
        If it is no duration, or not above zero.

    Examples
    --------
    >>> parse_duration("1h30m"), parse_duration("90"), parse_duration("2m 5s")
    (5400.0, 90.0, 125.0)
    """
    from gome_graph.errors import TaskError

    compact = "".join(text.lower().split())
    match = _DURATION.fullmatch(compact)
    if not compact or match is None:
        raise TaskError(f"--budget {text!r} is not a duration; write for example 90s, 10m or 1h30m")
    seconds = sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS.values(), strict=True) if part)
    if seconds <= 0:
        raise TaskError(f"--budget {text!r} leaves no time to run anything; give at least a few seconds, for example 90s or 10m")
    if seconds > MOST_BUDGET_DAYS * 86_400:
        raise TaskError(f"--budget {text!r} is more than {MOST_BUDGET_DAYS} days; give less, for example 12h")
    return seconds
