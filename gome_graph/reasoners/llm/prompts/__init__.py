"""Prompts as files (Jinja2, package data): a ``system`` and a ``user`` block each, versioned by their hash."""

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

NAMES = ("diagnose", "propose", "judge", "code", "draft")
"""One template for each thing a model is asked."""
SHARED = ("shared", "contract")
"""Parts that several templates take in."""
HASH_LENGTH = 8


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("gome_graph.reasoners.llm", "prompts"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - it renders prompts, not HTML
    )  # fmt: skip


def source(name: str) -> str:
    """The text of a template."""
    environment = _environment()
    if environment.loader is None:
        raise RuntimeError("the prompts have no loader")
    return environment.loader.get_source(environment, f"{name}.md.jinja")[0]


@cache
def version(name: str) -> str:
    """``diagnose@1f0c9a27``: the template and the hash of its words and of those it shares with others."""
    digest = hashlib.sha256("".join(map(source, (name, *SHARED))).encode()).hexdigest()
    return f"{name}@{digest[:HASH_LENGTH]}"


def versions() -> dict[str, str]:
    """All templates, for the run record."""
    return {name: version(name) for name in NAMES}


def render(name: str, block: str, values: Mapping[str, Any]) -> str:
    """One block (``system`` or ``user``) of a template; a value that the template names must be given.

    The value ``script`` comes through to the letter, for edits are copied from it; elsewhere empty lines are tidied up.
    """
    template = _environment().get_template(f"{name}.md.jinja")
    script = values.get("script", "")
    context = template.new_context({**values, "script": _SCRIPT if script else ""})
    return _tidy("".join(template.blocks[block](context))).replace(_SCRIPT, script.rstrip("\n"))


def plain(name: str, values: Mapping[str, Any]) -> str:
    """A template without blocks."""
    return _tidy(_environment().get_template(f"{name}.md.jinja").render(dict(values))).rstrip("\n")


_SCRIPT = "\x00script\x00"
"""Stands for the script while a prompt is tidied."""


def _tidy(text: str) -> str:
    """No trailing spaces, no more than one empty line in a row."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept) + "\n"
