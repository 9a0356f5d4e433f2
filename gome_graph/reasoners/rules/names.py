"""Words for people: what a recipe is called in titles, and which words of a hint count."""

import re

from gome_graph.reasoners.rules.catalog.common import SHORT, listed
from gome_graph.reasoners.rules.recipe import Recipe

STOP_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "dont", "for", "from", "in", "into", "is", "it", "its", "more", "less",
    "no", "not", "of", "on", "or", "out", "please", "stop", "than", "that", "the", "their", "them", "this", "to", "try", "use",
    "using", "very", "want", "we", "with", "without", "you", "your", "model", "models", "feature", "features", "data", "column",
    "columns", "add", "make", "blend", "never", "avoid",
))  # fmt: skip
"""Words of a hint that name no technique in particular."""


def described(recipe: Recipe) -> str:
    """``LightGBM``, ``LightGBM and a linear model``: the models of a recipe in words."""
    members = recipe.members[:1] if recipe.blend == "single" else recipe.members
    names = [SHORT[m.model] for m in members]
    return names[0] if len(names) == 1 else listed(names)


def slug_words(text: str) -> set[str]:
    """Lower-case words that could name a technique, without endings, ``add`` and the like."""
    return {w.rstrip("s") for w in re.findall(r"[a-z]+", text.lower().replace("_", " ")) if w not in STOP_WORDS and len(w) > 2}
