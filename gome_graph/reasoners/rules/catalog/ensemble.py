"""Ensembles: average over seeds, weigh members, join what sibling traces have found."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import LATE, SHORT, added, boosted, fresh_name
from gome_graph.reasoners.rules.catalog.training import STRONGER
from gome_graph.reasoners.rules.recipe import Blend, FeatureKind, Recipe
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.estimators import SEEDLESS
from gome_graph.records import BudgetStage, Component

MOST_MEMBERS = 8
SEED_LADDER = (3, 5)
IDLE_WEIGHT = 0.02


def _seeds(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    more = [n for n in SEED_LADDER if n > recipe.seeds][:1]
    return [Variant(recipe.model_copy(update={"seeds": n}), f"Average over {n} seeds", {"seeds": n}) for n in more]


def _random(context: TechniqueContext) -> bool:
    return any(m.model not in SEEDLESS for m in context.members)


def _weights(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    words: list[tuple[Blend, str, float]] = [
        ("greedy", "Weigh members by greedy selection", 0.35),
        ("stack", "Stack the members with a linear model", 0.3),
        ("mean", "Weigh all members equally", 0.2),
    ]
    return [
        Variant(recipe.model_copy(update={"blend": blend}), title, {"blend": blend}, success=success)
        for blend, title, success in words
        if recipe.blend != blend
    ]


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


def _merge(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """The members and features of a sibling's incumbent joined to mine."""
    found = []
    for sibling in sorted(context.siblings, key=lambda s: s.trace):
        theirs = recipe_of(sibling.incumbent)
        if theirs is None:
            continue
        keep = recipe.members[:1] if recipe.blend == "single" else recipe.members
        joined = recipe.model_copy(update={"members": list(keep)})
        bodies = [m.model_copy(update={"name": "x"}) for m in keep]
        names = []
        for member in theirs.members[:1] if theirs.blend == "single" else theirs.members:
            if member.model_copy(update={"name": "x"}) in bodies or len(joined.members) >= MOST_MEMBERS:
                continue
            named = member.model_copy(update={"name": fresh_name(joined, member.name)})
            joined = joined.with_member(named)
            names.append(named.name)
        for step in theirs.features:
            # a feature of theirs on columns that I lack (dropped, or the parts of a column I do not split) cannot be carried over
            if step not in joined.features and not _clashes(step.kind, step.columns, joined, context):
                joined = joined.model_copy(update={"features": [*joined.features, step]})
        if not names:
            continue
        joined = joined.model_copy(update={"blend": "greedy" if joined.blend in ("single", "mean") else joined.blend})
        title = f"Merge {', '.join(names)} of trace {sibling.trace} ({len(theirs.features)} feature steps) into mine"
        found.append(Variant(joined, title, {"trace": sibling.trace, "members": names, "features": len(theirs.features)}))
    return found


def _clashes(kind: FeatureKind, columns: Sequence[str], recipe: Recipe, context: TechniqueContext) -> bool:
    if kind in ("split_compound", "date_parts", "drop_columns", "as_category", "as_number", "log1p", "clip", "rank", "impute_by_group"):
        return True  # these change or remove columns that my own steps may use
    raw = {c.name for c in context.profile.columns if c.name not in context.dropped}
    gone = {c for step in recipe.features if step.kind in ("split_compound", "date_parts", "drop_columns") for c in step.columns}
    return any(c not in raw or c in gone for c in columns) or recipe.has_feature(kind)


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
        prior_success=0.28,
        stages=LATE,
    ),
    Technique(
        name="merge_sibling",
        title="Merge a sibling trace's models into mine",
        component=Component.ENSEMBLE,
        change=_merge,
        applies=_room,
        rationale="Another trace has found a good solution by another way; the two err differently.",
        direction="join what two traces have found",
        falsifier="the sibling's members get no weight",
        answers={"plateau": 0.8, "weak_ensemble": 0.6, "single_model": 0.5, "low_diversity": 0.8},
        prior_gain=2.5,
        prior_success=0.5,
        stages={BudgetStage.DRAFT: 0.3, BudgetStage.ENSEMBLE: 2.5},
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
