"""Ensembles: average over seeds, weigh members, leave idle ones out. What other traces have found is joined in `assemble`."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import LATE, SHORT, added, boosted
from gome_graph.reasoners.rules.catalog.training import STRONGER
from gome_graph.reasoners.rules.recipe import Blend, Recipe
from gome_graph.reasoners.rules.rehearse import LEAST_GAIN, Stage, gain_of, promise
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.estimators import SEEDLESS
from gome_graph.reasoners.rules.writer.keys import member_keys
from gome_graph.records import Component

MOST_MEMBERS = 8
SEED_LADDER = (3, 5)
IDLE_WEIGHT = 0.02


def _seeds(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    more = [n for n in SEED_LADDER if n > recipe.seeds][:1]
    return [Variant(recipe.model_copy(update={"seeds": n}), f"Average over {n} seeds", {"seeds": n}) for n in more]


def _random(context: TechniqueContext) -> bool:
    return any(m.model not in SEEDLESS for m in context.members)


def _weights(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Other ways to blend; where all members' predictions are at hand, only those that promise something."""
    words: list[tuple[Blend, str, float]] = [
        ("greedy", "Weigh members by greedy selection", 0.35),
        ("stack", "Stack the members with a linear model", 0.3),
        ("mean", "Weigh all members equally", 0.2),
    ]
    promised = _promised(recipe, context, [blend for blend, _, _ in words if blend != recipe.blend])
    return [
        Variant(recipe.model_copy(update={"blend": blend}), title, {"blend": blend}, gain, success if gain is None else promise(gain))
        for blend, title, success in words
        if recipe.blend != blend and ((gain := promised.get(blend)) is None or gain >= LEAST_GAIN)
    ]


def _promised(recipe: Recipe, context: TechniqueContext, blends: Sequence[Blend]) -> dict[Blend, float]:
    """Gains in noise units of other blends of the same members, as far as they can be rehearsed."""
    stage = Stage.of(recipe, context)
    keys = member_keys(recipe, context.members)
    if stage is None or context.library is None or not set(keys.values()) <= context.kept:
        return {}
    parts = {key: part for key in keys.values() if (part := stage.member(key)) is not None}
    before = stage.rehearsed(recipe.blend, parts) if len(parts) == len(keys) else None
    if before is None:
        return {}
    found = {blend: stage.rehearsed(blend, parts) for blend in blends}
    return {blend: gain_of(before, after, stage) for blend, after in found.items() if after is not None}


def _twin(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """The same boosted model once more, with settings of another character."""
    found = []
    for member in boosted(context):
        word, params = STRONGER[member.model][-1]
        name = f"{member.name}_regular"
        if any(m.name == name for m in recipe.members) or member.name.endswith("_regular"):
            continue
        twin = member.model_copy(update={"name": name, "params": {**member.params, **params}})
        found.append(Variant(added(recipe, twin), f"Blend in a second {SHORT[member.model]}: {word}", {"member": member.name}))
    return found


def _simplify(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Drop the members that carry (nearly) no weight in the blend that was measured."""
    weights = context.pack.weights if context.pack is not None else {}
    idle = [m.name for m in recipe.members if weights.get(m.name, 1.0) <= IDLE_WEIGHT]
    if not idle or len(idle) >= len(recipe.members):
        return []
    left = [m for m in recipe.members if m.name not in idle]
    changed = recipe.model_copy(update={"members": left, "blend": recipe.blend if len(left) > 1 else "single"})
    return [Variant(changed, f"Drop {', '.join(idle)} from the blend", {"members": idle})]


def _blends(context: TechniqueContext) -> bool:
    return len(context.members) >= 2


def _room(context: TechniqueContext) -> bool:
    return len(context.members) < MOST_MEMBERS


TECHNIQUES = [
    Technique(
        name="seed_bagging",
        title="Average over seeds",
        component=Component.ENSEMBLE,
        change=_seeds,
        applies=_random,
        rationale="What differs between seeds is noise; the mean of several fits has less of it.",
        direction="less variance by averaging",
        falsifier="the score does not rise and the fold spread stays",
        answers={"single_seed": 0.9, "fold_variance": 0.7, "overfit": 0.3, "plateau": 0.6, "label_noise": 0.4},
        prior_gain=1.2,
        prior_success=0.33,
        stages=LATE,
        source="Breiman 1996, Bagging predictors",
    ),
    Technique(
        name="blend_weights",
        title="Weigh the members differently",
        component=Component.ENSEMBLE,
        change=_weights,
        applies=_blends,
        rationale="Equal weights waste the best member, fitted weights can overfit: which is right is an empirical question.",
        direction="another way to weigh members",
        falsifier="the weights change and the score does not",
        answers={"plateau": 0.4, "fold_variance": 0.2},
        prior_gain=1.0,
        prior_success=0.28,
        stages=LATE,
        source="Wolpert 1992, Stacked generalization; Caruana et al. 2004",
    ),
    Technique(
        name="second_opinion",
        title="Blend in a second setting of the same model",
        component=Component.ENSEMBLE,
        change=_twin,
        applies=_room,
        rationale="Two settings of a good model, one bold and one careful, average to something better than either.",
        direction="diversity within the best family",
        falsifier="the second setting's weight is near zero",
        answers={"single_model": 0.6, "plateau": 0.5, "fold_variance": 0.4, "overfit": 0.4},
        prior_gain=1.2,
        prior_success=0.1,
        stages=LATE,
    ),
    Technique(
        name="drop_idle_members",
        title="Drop members without weight",
        component=Component.ENSEMBLE,
        change=_simplify,
        applies=_blends,
        rationale="A member without weight costs time and explains nothing; near ties go to the simpler solution.",
        direction="a simpler blend",
        falsifier="the score falls",
        answers={"weak_ensemble": 0.6, "wasted_time": 0.9, "slow": 0.7, "wasted_memory": 0.3},
        prior_gain=0.3,
        prior_success=0.25,
        challenge=True,
    ),
]
