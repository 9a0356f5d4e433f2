"""The texts scripts are made of (Jinja2, package data), and the one environment that renders them."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from gome_graph.reasoners.rules.writer.literals import literal, packed


@cache
def environment() -> Environment:
    """Deterministic and strict; the output is Python, so nothing is escaped."""
    made = Environment(
        loader=PackageLoader("gome_graph.reasoners.rules.writer"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,  # noqa: S701 - it renders Python, not HTML
    )  # fmt: skip
    made.filters.update(py=literal, packed=lambda items, prefix, indent=0: packed(prefix, items, indent=indent))
    return made


@cache
def template(name: str) -> Template:
    """A template by file name, compiled once per process."""
    return environment().get_template(name)
