"""How the rules reasoner keeps its state inside a `Solution`: the recipe and the accepted steps, as JSON."""

from typing import Any

from pydantic import ValidationError

from gome_graph.reasoners.rules.recipe import Recipe
from gome_graph.records import Solution


def pack_recipe(recipe: Recipe, why: list[str]) -> dict[str, Any]:
    """JSON for `Solution.recipe`: settings that differ from the defaults, and what was done (``why``) for the script's header."""
    return {"recipe": recipe.model_dump(mode="json", exclude_defaults=True), "why": why}


def recipe_of(solution: Solution | None) -> Recipe | None:
    """The recipe of a solution; None if it has none (another reasoner wrote it)."""
    if solution is None or solution.recipe is None:
        return None
    try:
        return Recipe.model_validate(solution.recipe.get("recipe"))
    except ValidationError:
        return None


def why_of(solution: Solution | None) -> list[str]:
    """The accepted steps that led to a solution, oldest first."""
    if solution is None or solution.recipe is None:
        return []
    return [str(line) for line in solution.recipe.get("why", [])]
