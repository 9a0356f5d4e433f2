"""How likely it is that a change of members helps, judged by what the run has fitted already.

Late in a run most steps that blend in one more model give it no weight at all. Where the same kind of model has been fitted in whatever
solution, its kept predictions stand in for those of the new member, and the blend is rehearsed with them. And a member that the blend
gives no weight is seldom worth a change.
"""

from functools import cached_property

from gome_graph.reasoners.rules.pool import Found, fitted
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.rehearse import Floats, Part, Stage, gain_of, promise
from gome_graph.reasoners.rules.technique import TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.keys import counted, member_keys

IDLE, IDLE_FACTOR = 0.02, 0.3
"""Weight up to which a member is idle, and what that leaves of the prospects of changing it."""
SAME_DATA, OTHER_DATA = 0.9, 0.6
"""How much a rehearsal counts against the prior, with stand-ins on the same features and settings apart, or on others."""


class Outlook:
    """Looks at changes of one incumbent's members. Made anew for each ranking; what it needs is worked out when it is first asked for."""

    def __init__(self, context: TechniqueContext) -> None:
        self._context = context
        self._gains: dict[tuple[str, ...], float | None] = {}

    def success(self, variant: Variant, prior: float) -> float:
        """`prior`, lowered where only idle members change; moved by a rehearsal where members are added and there are stand-ins for all."""
        recipe = self._context.recipe
        changed = _changed(recipe, variant.recipe)
        weights = self._context.pack.weights if self._context.pack is not None else {}
        if changed and all(weights.get(name, 1.0) <= IDLE for name in changed):
            return prior * IDLE_FACTOR
        fresh = _added(recipe, variant.recipe)
        if not fresh or self._world is None:
            return prior
        found = [self._like(variant.recipe, member) for member in fresh]
        standing = [item for item in found if item is not None]
        if len(standing) < len(fresh):
            return prior
        key = (variant.recipe.blend, *(item.key for item in standing))
        if key not in self._gains:
            self._gains[key] = self._gain(variant.recipe, standing)
        gain = self._gains[key]
        if gain is None:
            return prior
        same = all(item.features == variant.recipe.view(member.view) for item, member in zip(standing, fresh, strict=True))
        weight = SAME_DATA if same else OTHER_DATA
        return weight * promise(gain) + (1.0 - weight) * prior

    @cached_property
    def _world(self) -> tuple[Stage, list[Found], dict[str, Part], Floats] | None:
        """The stage, everything fitted, the incumbent's own members and its row losses; None where something of it is not kept."""
        recipe = self._context.recipe
        stage = Stage.of(recipe, self._context)
        if stage is None:
            return None
        keys = member_keys(recipe, counted(recipe)).values()
        mine = {key: part for key in keys if (part := stage.member(key)) is not None}
        before = stage.rehearsed(recipe.blend, mine) if mine and len(mine) == len(keys) else None
        if before is None:
            return None
        known = fitted(recipe, self._context, stage)
        return stage, [item for item in known if item.key not in mine], mine, before

    def _like(self, recipe: Recipe, member: Member) -> Found | None:
        """The fitted member most like this one: of the same kind, rather on the same features, the best of those."""
        if self._world is None:
            return None
        view = recipe.view(member.view)
        alike = [item for item in self._world[1] if item.member.model == member.model and item.member.inputs == member.inputs]
        return min(alike, key=lambda item: (item.features != view, item.part.loss, item.key), default=None)

    def _gain(self, recipe: Recipe, standing: list[Found]) -> float | None:
        if self._world is None:
            return None
        stage, _, mine, losses = self._world
        parts = mine | {item.key: item.part for item in standing}
        if len({part.oof.shape for part in parts.values()}) > 1:
            return None
        after = stage.rehearsed(recipe.blend, parts)
        return None if after is None else gain_of(losses, after, stage)


def _rest_alike(before: Recipe, after: Recipe) -> bool:
    """True if members and blend are all that tells the two apart."""
    return before.model_copy(update={"members": [], "blend": after.blend}) == after.model_copy(update={"members": []})


def _added(before: Recipe, after: Recipe) -> list[Member]:
    """The members that `after` has more, if that is all that was changed (but for the blend); else nothing."""
    old, new = counted(before), counted(after)
    return new[len(old) :] if new[: len(old)] == old and _rest_alike(before, after) else []


def _changed(before: Recipe, after: Recipe) -> list[str]:
    """Names of the members whose own settings are all that was changed; else nothing."""
    old, new = counted(before), counted(after)
    if [member.name for member in old] != [member.name for member in new] or before.blend != after.blend or not _rest_alike(before, after):
        return []
    return [mine.name for mine, theirs in zip(old, new, strict=True) if mine != theirs]
