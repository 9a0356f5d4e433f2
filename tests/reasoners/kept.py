"""Kept predictions in memory, and libraries of solutions that each fitted one model."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gome_graph.hooks import Library
from gome_graph.reasoners.rules.recipe import Recipe
from gome_graph.reasoners.rules.state import pack_recipe
from gome_graph.reasoners.rules.writer import member_key
from gome_graph.records import Solution, TraceId, step_id


class Kept:
    """Implements `gome_graph.hooks.KeptPredictions`."""

    def __init__(self, oofs: dict[str, Any]) -> None:
        self.oofs = oofs

    def keys(self) -> frozenset[str]:
        return frozenset(self.oofs)

    def load(self, key: str) -> Any:
        return self.oofs.get(key)


def library_of(recipes: Sequence[Recipe], truth: Any, predictions: Sequence[Any]) -> Library:
    """A trace for each recipe of one member, with these out-of-fold predictions."""
    oofs = {member_key(r, r.members[0]): p for r, p in zip(recipes, predictions, strict=True)}
    solutions = [
        Solution(step=step_id(trace, 0), trace=TraceId(trace), script="", recipe=pack_recipe(recipe, []), family=recipe.family)
        for trace, recipe in enumerate(recipes)
    ]
    return Library(solutions, Kept(oofs), truth, np.arange(len(truth)) % 5)


def noisy_library(recipes: Sequence[Recipe], noises: Sequence[float], *, shared: float = 0.0, rows: int = 600) -> Library:
    """Numbers predicted with errors of these sizes; `shared` of each error is common to all."""
    rng = np.random.default_rng(0)
    truth, common = rng.normal(size=rows), rng.normal(size=rows)
    errors = [noise * (shared * common + (1 - shared) * rng.normal(size=rows)) for noise in noises]
    return library_of(recipes, truth, [truth + error for error in errors])
