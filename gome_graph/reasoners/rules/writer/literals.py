"""Python literals and calls as ``ruff format`` would lay them out (line length 100), so that scripts need no formatting at run time."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

LINE_LENGTH = 100


class Code(str):
    """Text that is already Python code, to stand as it is inside `literal` and `call`."""

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


def call(function: str, positional: Iterable[Any] = (), keywords: dict[str, Any] | None = None, *, indent: int = 0, room: int = 0) -> str:
    """``function(...)`` on one line if it fits beside `room` other characters, else one argument a line with a trailing comma."""
    arguments = [*map(literal, positional), *(f"{key}={literal(value)}" for key, value in (keywords or {}).items())]
    line = f"{function}({', '.join(arguments)})"
    if "\n" not in line and indent + room + len(line) <= LINE_LENGTH:
        return line
    pad = " " * (indent + 4)
    body = "".join(f"{pad}{argument},\n" for argument in arguments)
    return f"{function}(\n{body}{' ' * indent})"


def statement(text: str, pad: int = 4) -> str:
    """Indent every line of `text`."""
    return textwrap.indent(text, " " * pad)


def wrapped(text: str, *, width: int = LINE_LENGTH, hanging: str = "") -> str:
    """Text filled to lines of `width`; further lines start with `hanging`."""
    return "\n".join(textwrap.wrap(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False))
