"""The members that any solution of the run has fitted, with their out-of-fold predictions: what rehearsals are made of."""

from dataclasses import dataclass

from gome_graph.reasoners.rules.cost import member_units
from gome_graph.reasoners.rules.recipe import Member, Recipe, View
from gome_graph.reasoners.rules.rehearse import Part, Stage
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.reasoners.rules.writer.keys import counted, member_keys, model_decision


@dataclass(frozen=True)
class Found:
    """A member that some solution of the run has, with its predictions."""

    key: str
    step: str
    """The step that fitted it first, for titles."""
    member: Member
    features: View
    part: Part
    """Its predictions on the rehearsal's rows."""
    units: float
    """Modelled seconds of its fit."""


def fitted(recipe: Recipe, context: TechniqueContext, stage: Stage) -> list[Found]:
    """Members of all solutions whose predictions are kept and mean the same as this recipe's."""
    library = context.library
    if library is None:
        return []
    shape = None
    items: dict[str, Found] = {}
    for solution in library.solutions:
        theirs = recipe_of(solution)
        if theirs is None or not _alike(recipe, theirs):
            continue
        keys = member_keys(theirs, counted(theirs))
        for member in counted(theirs):
            key = keys[member.name]
            if key in items or key not in context.kept:
                continue
            part = stage.member(key)
            if part is None or (shape is not None and part.oof.shape != shape):
                continue
            shape = part.oof.shape
            view = theirs.view(member.view)
            plain = member.model_copy(update={"view": "", "seeds": member.seeds or theirs.seeds})
            items[key] = Found(key, str(solution.step), plain, view, part, member_units(member, context.profile, theirs.seeds))
    return list(items.values())


def _alike(mine: Recipe, theirs: Recipe) -> bool:
    """True if members of both predict on the same scale and are fitted in the same way around the models."""
    same = ("target_transform", "target_clip", "class_weight", "test_prediction")
    return model_decision(mine) == model_decision(theirs) and all(getattr(mine, name) == getattr(theirs, name) for name in same)
