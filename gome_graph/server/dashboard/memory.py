"""The memory of a run, for browsing: whatever memory the run was given, if it can list what it holds."""

from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from gome_graph.errors import GomeError
from gome_graph.graph.builtins import load
from gome_graph.hooks import BrowsableMemory
from gome_graph.records import Experience, VerdictKind
from gome_graph.run import RunSettings

if TYPE_CHECKING:
    from gome_graph.run import RunDirectory

PAGE = 50
"""Experiences on a page."""

NEEDS_NO_SERVICE = "exact"
"""Opened for browsing in place of ``auto`` and ``chroma``: the same store, without starting an index."""


@dataclass
class Found:
    """One page of experiences."""

    items: list[Experience] = field(default_factory=list)
    count: int = 0
    page: int = 1
    pages: int = 1
    why_not: str = ""
    """Why there is nothing to browse; empty if there is."""
    verdicts: list[str] = field(default_factory=lambda: [kind.value for kind in VerdictKind])


def browse(run: "RunDirectory", *, text: str = "", verdict: str = "", page: int = 1) -> Found:
    """One page of what the run remembers, largest gain first.

    Parameters
    ----------
    text
        Words that must occur in the hypothesis or the task.
    verdict
        Only this one; anything that is no verdict is not looked for.
    page
        From 1.
    """
    settings = RunSettings.model_validate(run.record()["settings"])
    place = settings.memory_path or run.memory
    if settings.memory == "none":
        return Found(why_not="This run was told to remember nothing (--no-memory).")
    if not Path(place).is_dir():
        return Found(why_not="Nothing is remembered yet.")
    name = NEEDS_NO_SERVICE if settings.memory in ("auto", "chroma") else settings.memory
    try:
        memory = load(settings.plugins).make("memory", name, path=place)
    except GomeError as error:
        return Found(why_not=str(error))
    try:
        if not isinstance(memory, BrowsableMemory):
            return Found(why_not=f"The memory {settings.memory!r} cannot list what it holds.")
        wanted = verdict if verdict in {kind.value for kind in VerdictKind} else None
        count, items = memory.browse(text=text, verdict=wanted, offset=PAGE * max(page - 1, 0), limit=PAGE)
        return Found(items, count, max(page, 1), max(ceil(count / PAGE), 1))
    finally:
        memory.close()
