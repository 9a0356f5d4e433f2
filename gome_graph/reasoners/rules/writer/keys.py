"""The key of a member: what lies behind its predictions, as a fingerprint."""

import hashlib
from collections.abc import Mapping

from gome_graph import __version__
from gome_graph.reasoners.rules.recipe import Member, Recipe

KEY_LENGTH = 16
_AFTERWARDS = frozenset({"argmax", "threshold", "class_weights"})
"""Decisions that are taken on finished predictions and leave the models as they are."""
_BEHIND = frozenset({"target_transform", "target_clip", "class_weight", "test_prediction"})
"""Settings of the recipe that change what its members predict; features, columns, seeds and the decision are dealt with below."""


def model_decision(recipe: Recipe) -> str:
    """The decision as far as the models know of it."""
    return "auto" if recipe.decision in _AFTERWARDS else recipe.decision


def recipe_part(recipe: Recipe, view: str = "") -> str:
    """What of the recipe lies behind the predictions of members that read `view`. Raises `ValueError` if there is no such view."""
    seen = recipe.view(view)
    steps = ",".join(step.model_dump_json(exclude_defaults=True) for step in seen.features)
    return f"{__version__}|{steps}|{sorted(seen.drop)}|{model_decision(recipe)}|{recipe.model_dump_json(include=set(_BEHIND))}"


def member_key(recipe: Recipe, member: Member, part: str | None = None) -> str:
    """Two members with the same key, in whatever recipes of one task, predict the same under the same seed, data and folds.

    The writer renders a member's code from nothing else. `part` is ``recipe_part(recipe, member.view)``, for callers with many members.
    """
    part = recipe_part(recipe, member.view) if part is None else part
    seeds = member.seeds or recipe.seeds
    own = member.model_dump_json(exclude={"name", "view", "seeds"}, exclude_defaults=True)
    return hashlib.sha256(f"{part}|{seeds}|{own}".encode()).hexdigest()[:KEY_LENGTH]


def member_keys(recipe: Recipe, members: list[Member]) -> dict[str, str]:
    """Keys of several members of a recipe, by name."""
    parts = {view: recipe_part(recipe, view) for view in {member.view for member in members}}
    return {member.name: member_key(recipe, member, parts[member.view]) for member in members}


def composition(recipe: Recipe, keys: Mapping[str, str] | None = None) -> tuple[str, frozenset[str], str, str]:
    """What a script's predictions consist of: recipes of one composition predict alike, whatever their members are called.

    `keys` are the counted members' keys, where they are known already.
    """
    members = counted(recipe)
    blend = recipe.blend if len(members) > 1 else "single"
    keys = member_keys(recipe, members) if keys is None else keys
    return blend, frozenset(keys.values()), recipe.decision, recipe.calibration


def counted(recipe: Recipe) -> list[Member]:
    """The members that are fitted."""
    return recipe.members[:1] if recipe.blend == "single" else list(recipe.members)
