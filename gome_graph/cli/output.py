"""The one place that speaks to the user: people get text, machines get JSON, errors go to stderr in one sentence."""

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@dataclass
class Mode:
    """What the flags of the command in hand said."""

    json: bool = False
    quiet: bool = False
    debug: bool = False


mode = Mode()
"""Set by the shared flags (see `gome_graph.cli.options`), so that errors are reported as the user asked."""


def console(*, stderr: bool = False) -> "Console":
    """A rich console for people; plain text where nobody looks."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=not (sys.stderr if stderr else sys.stdout).isatty())


def say(*what: "RenderableType", stderr: bool = False) -> None:
    """Tell a person something; silent with ``--quiet`` and ``--json``."""
    if not (mode.quiet or mode.json):
        out = console(stderr=stderr)
        for each in what:
            out.print(each, markup=False)


def tell(*what: "RenderableType") -> None:
    """Like `say`, for what the command is there to show: ``--quiet`` does not silence it, ``--json`` does."""
    if not mode.json:
        out = console()
        for each in what:
            out.print(each, markup=False)


def result(value: Any) -> None:
    """Print the command's result as one JSON object, if JSON was asked for."""
    if mode.json:
        print(json.dumps(value, ensure_ascii=False, default=str))


def fail(sentence: str, code: int) -> int:
    """One sentence on stderr (and a JSON object on stdout with ``--json``); returns the exit code."""
    sentence = " ".join(sentence.split())
    print(f"gome: {sentence}", file=sys.stderr)
    result({"error": sentence, "exit_code": code})
    return code
