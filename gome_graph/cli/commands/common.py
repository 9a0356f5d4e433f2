"""What commands on an existing run share: opening it, naming its steps, its status in a word."""

from pathlib import Path
from typing import TYPE_CHECKING

from gome_graph.report.status import status

if TYPE_CHECKING:
    from gome_graph.report.story import RunView
    from gome_graph.run import RunDirectory

__all__ = ["WORDS", "find_step", "open_run", "status", "story"]

WORDS = ("best", "baseline", "last")
"""Names of steps that are not step ids."""


def open_run(path: Path) -> "RunDirectory":
    """The run at `path`; a sentence naming near misses if there is none."""
    from gome_graph.run import RunDirectory

    return RunDirectory.open(path)


def story(run: "RunDirectory") -> "RunView":
    """Its journal, folded."""
    from gome_graph.report.story import story_of

    return story_of(run)


def find_step(run: "RunDirectory", view: "RunView", name: str) -> str:
    """The id of a step given as ``t1-4``, ``best``, ``baseline`` or ``last``.

    Raises
    ------
    RunError
        If the run has no such step; the message names those there are.
    """
    from gome_graph.errors import RunError

    there = run.steps()
    word = name.lower()
    found: str | None = word
    if word == "best":
        found = view.chosen or view.best_step
    elif word == "baseline":
        found = view.baseline_step
    elif word == "last":
        found = view.steps[-1].step if view.steps else None
    if found is None:
        raise RunError(f"{run.root} has no {word} step yet; it has {_listed(there)}")
    if found not in there:
        from rapidfuzz.process import extractOne

        close = extractOne(word, [*there, *WORDS], score_cutoff=60)
        hint = f"did you mean {close[0]}? " if close else ""
        raise RunError(f"{run.root} has no step {name!r}; {hint}it has {_listed(there)}, and the words best, baseline, last")
    return found


def _listed(steps: list[str]) -> str:
    """All of a few, the ends of many."""
    if len(steps) > 12:
        return f"{steps[0]} to {steps[-1]} ({len(steps)} steps)"
    return ", ".join(steps) or "no steps"
