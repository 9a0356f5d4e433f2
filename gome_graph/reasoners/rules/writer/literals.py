"""Python literals and calls as ``ruff format`` would lay them out (line length 100), so that scripts need no formatting at run time."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LINE_LENGTH = 100


class Code(str):
    """Text that is already Python code, to stand as it is inside `literal` and `layout`."""

    __slots__ = ()


def string(text: str) -> str:
    """A string literal in double quotes, or in single quotes where that saves escapes (ruff's rule)."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(f"\\{quote}" if char == quote else char if char in "'\"" else repr(char)[1:-1] for char in text) + quote


def literal(value: Any) -> str:
    """A literal on one line: `Code` as it stands, strings quoted as ruff does, containers recursively."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, tuple):
        inner = ", ".join(literal(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    return repr(value)


def packed(prefix: str, items: Sequence[str], *, indent: int = 0) -> str:
    """``prefix[...]``: on one line if it fits, else filled lines under ``# fmt: skip`` (a hundred columns stay readable)."""
    line = f"{prefix}{literal(list(items))}"
    if indent + len(line) <= LINE_LENGTH:
        return line
    pad = " " * (indent + 4)
    lines, current = [f"{prefix}["], pad
    for item in items:
        piece = literal(item) + ","
        if current != pad and len(current) + len(piece) > LINE_LENGTH:
            lines.append(current.rstrip())
            current = pad
        current += piece + " "
    return "\n".join([*lines, current.rstrip(), " " * indent + "]  # fmt: skip"])


@dataclass(frozen=True)
class Call:
    """``function(...)`` as an expression that `layout` can break over lines; an empty `function` makes a tuple."""

    function: str
    positional: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)


def layout(value: Any, *, indent: int = 0, room: int = 0) -> str:
    """An expression on one line if it fits beside `room` other characters, else one argument a line with a trailing comma."""
    if not isinstance(value, Call):
        return literal(value)
    line = _flat(value)
    if indent + room + len(line) <= LINE_LENGTH:
        return line
    pad = indent + 4
    arguments = [layout(item, indent=pad, room=1) for item in value.positional]
    arguments += [f"{key}={layout(item, indent=pad, room=len(key) + 2)}" for key, item in value.keywords.items()]
    return f"{value.function}(\n" + "".join(f"{' ' * pad}{argument},\n" for argument in arguments) + " " * indent + ")"


def _flat(value: Any) -> str:
    if not isinstance(value, Call):
        return literal(value)
    arguments = [*map(_flat, value.positional), *(f"{key}={_flat(item)}" for key, item in value.keywords.items())]
    comma = "," if not value.function and len(arguments) == 1 else ""
    return f"{value.function}({', '.join(arguments)}{comma})"


def assigned(name: str, value: Any, *, indent: int = 4) -> str:
    """``name = value`` for a line that stands `indent` deep (the first line itself is not indented)."""
    return f"{name} = {layout(value, indent=indent, room=len(name) + 3)}"


def wrapped(text: str, *, width: int = LINE_LENGTH, hanging: str = "") -> str:
    """Text filled to lines of `width`; further lines start with `hanging`."""
    return "\n".join(textwrap.wrap(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False))
