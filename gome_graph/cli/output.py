"""The one place that speaks to the user: people get text, machines get JSON, errors go to stderr in one sentence."""

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


PIPE_WIDTH = 160
"""Columns of tables where no terminal says how wide it is."""


@dataclass
class Mode:
    """What the flags of the command in hand said."""

    json: bool = False
    quiet: bool = False
    debug: bool = False


mode = Mode()
"""Set by the shared flags (see `gome_graph.cli.options`), so that errors are reported as the user asked."""


def console(*, stderr: bool = False) -> "Console":
    """A rich console for people; wide and without colours where the output goes to a file or a pipe."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if terminal else PIPE_WIDTH)


def say(*what: "RenderableType", stderr: bool = False) -> None:
    """Tell a person something; silent with ``--quiet`` and ``--json``."""
    if not (mode.quiet or mode.json):
        _print(console(stderr=stderr), what)


def tell(*what: "RenderableType") -> None:
    """Like `say`, for what the command is there to show: ``--quiet`` does not silence it, ``--json`` does."""
    if not mode.json:
        _print(console(), what)


def _print(out: "Console", what: "tuple[RenderableType, ...]") -> None:
    from rich.text import Text

    for each in what:
        out.print(each, markup=False, soft_wrap=isinstance(each, str | Text))  # running text is wrapped by the terminal, if at all


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
