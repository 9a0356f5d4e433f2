"""The token budget of a prompt: what is cut, and in which order, where a prompt would not fit."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from gome_graph.errors import ModelError

CHARACTERS_PER_TOKEN = 3.5
"""Of code and numbers, with common tokenizers; prose has more. An estimate that rather counts too many tokens."""


class Cut(NamedTuple):
    """Shorten a section to so many tokens; 0 leaves it out."""

    section: str
    tokens: int


CUTS = (
    Cut("glossary", 0), Cut("columns", 400), Cut("description", 600), Cut("facts", 1500), Cut("diff", 600), Cut("history", 500),
    Cut("tries", 600), Cut("successes", 300), Cut("siblings", 200), Cut("log", 500), Cut("findings", 600), Cut("failures", 300),
    Cut("columns", 0), Cut("description", 150), Cut("diff", 0), Cut("facts", 500), Cut("successes", 0), Cut("history", 150),
    Cut("siblings", 80), Cut("description", 0), Cut("tries", 200), Cut("log", 200), Cut("findings", 200), Cut("facts", 0),
    Cut("failures", 100),
)  # fmt: skip
"""In this order, until the prompt fits. What is not named is never cut: the task, the contract of scripts, the script to be changed, the
error to be mended, the verdict, the diagnosis, the proposals, the user's hints."""
FROM_THE_END = frozenset({"log", "history", "tries"})
"""Sections whose last lines matter most."""


class PromptTooLong(ModelError):
    """What cannot be cut does not fit the budget: another model, or a larger budget, is needed for this script."""


def tokens(text: str) -> int:
    """Estimated tokens of a text."""
    return int(len(text) / CHARACTERS_PER_TOKEN) + 1


def fit(render: Callable[[Mapping[str, str]], str], sections: Mapping[str, str], budget: int) -> dict[str, str]:
    """The sections, cut as `CUTS` says until what `render` makes of them is within `budget` tokens.

    Raises
    ------
    PromptTooLong
        If it does not fit after the last cut.
    """
    kept = dict(sections)
    size = tokens(render(kept))
    for cut in CUTS:
        if size <= budget:
            return kept
        if kept.get(cut.section):
            kept[cut.section] = shortened(kept[cut.section], cut.tokens, from_the_end=cut.section in FROM_THE_END)
            size = tokens(render(kept))
    if size > budget:
        raise PromptTooLong(f"the prompt needs about {size:,} tokens without all that can be cut, its budget is {budget:,}")
    return kept


def shortened(text: str, most: int, *, from_the_end: bool = False) -> str:
    """Whole lines of the text within `most` tokens, and a line that says how many are left out; empty for 0."""
    if most <= 0:
        return ""
    if tokens(text) <= most:
        return text
    lines = text.splitlines()
    order = list(reversed(lines)) if from_the_end else lines
    kept: list[str] = []
    size = 0
    for line in order:
        size += tokens(line)
        if size > most:
            break
        kept.append(line)
    if not kept:  # one long line
        characters = int(most * CHARACTERS_PER_TOKEN)
        return "…" + order[0][-characters:] if from_the_end else order[0][:characters] + "…"
    note = f"… {len(lines) - len(kept)} lines left out"
    return "\n".join([note, *reversed(kept)] if from_the_end else [*kept, note])
