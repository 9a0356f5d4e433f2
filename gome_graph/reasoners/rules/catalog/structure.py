"""Answers to how the rows hang together: entities, twins, and columns that mislead."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import feature_variant, listed
from gome_graph.reasoners.rules.recipe import Recipe
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.records import ColumnKind, Component

COMPARED = 4
"""Numbers that are compared within an entity: the most used ones."""
MOST_COMPARED = 40
"""Columns by which twins are looked for; a wider table hardly has any."""
UNSEEN = 0.2
"""Share of test rows with known groups below which a group's name is of no use (as the diagnoser has it)."""
DULL = 0.05
"""Share of feature use below which a drifting column is left out together with the others like it."""


def _entities(context: TechniqueContext) -> list[str]:
    """Columns that name entities, as the findings have it."""
    there = {c.name for c in context.columns(ColumnKind.CATEGORY, ColumnKind.IDENTIFIER, ColumnKind.NUMBER)}
    return [name for name in context.flagged("group_structure") if name in there]


def _unseen(context: TechniqueContext) -> set[str]:
    """Entities that the test part does not share with train."""
    groups = context.pack.tables.groups if context.pack is not None and context.pack.tables is not None else []
    return {group.column for group in groups if group.seen is not None and group.seen <= UNSEEN}


def _within_entity(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """The size of each entity, numbers against its mean, and its own level where the test part has it too."""
    found = []
    for name in _entities(context)[:2]:
        values = context.by_importance(c for c in context.numeric_columns if c.distinct > 10 and c.name != name)[:COMPARED]
        if values and not recipe.has_feature("group_mean", name):
            title = f"Compare {listed(values)} with their mean within each {name}"
            found.append(feature_variant(recipe, "group_mean", [name], title, values=values, relative=True))
        if not recipe.has_feature("group_size", name):
            found.append(feature_variant(recipe, "group_size", [name], f"Count the rows of each {name}"))
        numbers = {c.name for c in context.numeric_columns}
        if name in numbers and name not in _unseen(context) and not recipe.has_feature("as_category", name):
            found.append(feature_variant(recipe, "as_category", [name], f"Read {name} as a name, not a quantity", success=0.4))
    return found


def _forget_entity(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Without the name of entities that the test part does not have; features made of it stay."""
    found = []
    for name in _entities(context):
        if name in _unseen(context) and not recipe.has_feature("drop_columns", name):
            found.append(feature_variant(recipe, "drop_columns", [name], f"Leave out {name}, which names nothing in the test part"))
    for member in context.members:
        if found and member.encoding == "target":
            changed = recipe.changed_member(member.name, encoding="ordinal")
            found.append(Variant(changed, f"Do not encode categories of {member.name} by the target", {"member": member.name}))
    return found


def _twins(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [c.name for c in context.tabular_columns]
    if not 1 <= len(names) <= MOST_COMPARED or any(step.params.get("name") == "twins" for step in recipe.features):
        return []
    return [feature_variant(recipe, "group_size", names, "Count the rows with the same inputs", name="twins", gaps=True)]


def _without_leaks(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    return _without(recipe, context, [[name] for name in context.flagged("leaking_column")], "which may give the target away")


def _without_drift(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """All that drift and help little, then the one that drifts most."""
    told = context.flagged("drift")
    little = [name for name in told if context.importance(name) < DULL]
    return _without(recipe, context, [little, told[:1]], "which differ between train and test")


def _without(recipe: Recipe, context: TechniqueContext, choices: Sequence[list[str]], why: str) -> list[Variant]:
    inputs = {c.name for c in context.columns(*ColumnKind)}
    sources = {name for step in recipe.features for name in (*step.columns, *step.params.get("values", []), step.params.get("by"))}
    found: list[Variant] = []
    for names in choices:
        kept = [name for name in names if name in inputs and name not in sources]
        changed = recipe.model_copy(update={"drop": [*recipe.drop, *kept]})
        if kept and len(kept) < len(inputs) and changed not in [v.recipe for v in found]:
            found.append(Variant(changed, f"Leave out {listed(kept)}, {why}", {"columns": kept}))
    return found


TECHNIQUES = [
    Technique(
        name="entity_features",
        title="Tell what the rows of an entity have in common",
        component=Component.FEATURES,
        change=_within_entity,
        rationale="Rows of one entity share what no other column says; its size, its level and the distance to it make that visible.",
        direction="features of the entity a row belongs to",
        falsifier="the errors within an entity are as alike as before",
        answers={"group_structure": 0.9},
        prior_gain=2.0,
        prior_success=0.4,
        challenge=True,
    ),
    Technique(
        name="forget_entity",
        title="Leave out names that the test part does not have",
        component=Component.DATA,
        change=_forget_entity,
        rationale="A model that learns entities by heart scores well on their other rows and has nothing to say on new entities.",
        direction="nothing that only holds for known entities",
        falsifier="the out-of-fold score falls and the folds keep entities together",
        answers={"group_structure": 0.5, "unseen_categories": 0.4},
        prior_gain=1.0,
        prior_success=0.12,
        challenge=True,
    ),
    Technique(
        name="count_twins",
        title="Count the rows with the same inputs",
        component=Component.FEATURES,
        change=_twins,
        rationale="How often the very same row occurs is a fact of its own, and seldom an accident.",
        direction="make copies visible",
        falsifier="the count is hardly used",
        answers={"duplicated_rows": 0.7},
        prior_gain=1.2,
        prior_success=0.25,
        challenge=True,
    ),
    Technique(
        name="leave_out_leaks",
        title="Leave out a column that may give the target away",
        component=Component.DATA,
        change=_without_leaks,
        rationale="A column recorded with the target is worth nothing when the target is not known yet; most such columns are legitimate.",
        direction="only what is known beforehand",
        falsifier="the score falls: the column was worth having, if it is known in time",
        answers={"leaking_column": 0.4},
        prior_gain=0.5,
        prior_success=0.04,
        challenge=True,
        source="Kaufman et al. 2012, Leakage in data mining",
    ),
    Technique(
        name="leave_out_drift",
        title="Leave out columns that drift",
        component=Component.DATA,
        change=_without_drift,
        rationale="What a column means for the target may have moved with it; where it helps little, it is not worth the risk.",
        direction="inputs that are alike in train and test",
        falsifier="the out-of-fold score falls by more than its noise",
        answers={"drift": 0.6},
        prior_gain=0.6,
        prior_success=0.12,
        challenge=True,
        source="Sugiyama and Kawanabe 2012, Machine learning in non-stationary environments",
    ),
]
