"""The texts scripts are made of (Jinja2, package data), and the one environment that renders them."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket

from gome_graph.reasoners.rules.writer.literals import literal, packed
from gome_graph.support.places import cache_folder


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates beside the user's other caches; a full or read-only disk only means that they are compiled again."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled() -> _Compiled | None:
    try:
        folder: Path = cache_folder() / "templates"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    # What is loaded runs in this process: it is taken from the user's own folder or not at all, like Python's own .pyc files.
    return _Compiled(str(folder)) if folder.stat().st_uid == os.getuid() else None


@cache
def environment() -> Environment:
    """Deterministic and strict; the output is Python, so nothing is escaped. Not optimised, so what is cached holds no filter's results."""
    made = Environment(
        loader=PackageLoader("gome_graph.reasoners.rules.writer"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False, bytecode_cache=_compiled(), optimized=False,  # noqa: S701 - it renders Python, not HTML
    )  # fmt: skip
    made.filters.update(py=literal, packed=lambda items, prefix, indent=0: packed(prefix, items, indent=indent))
    return made


@cache
def template(name: str) -> Template:
    """A template by file name, compiled once per process."""
    return environment().get_template(name)
