"""Workflow: time, memory, and what to do after a script has failed."""

from collections.abc import Mapping, Sequence

from gome_graph.reasoners.rules.catalog.common import BOOSTING, setting, turned
from gome_graph.reasoners.rules.cost import member_units
from gome_graph.reasoners.rules.recipe import Recipe, TextSettings
from gome_graph.reasoners.rules.technique import Change, Technique, TechniqueContext, Variant
from gome_graph.records import Component

SLOW = {"crash_timeout": 0.9, "crash_memory": 0.7, "slow": 0.8}
BIG = {"wasted_memory": 0.8, "crash_memory": 0.8}


def _drop_dearest(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    if len(context.members) < 2:
        return []
    dear = max(context.members, key=lambda m: (member_units(m, context.profile, recipe.seeds), m.name))
    left = [m for m in recipe.members if m.name != dear.name]
    changed = recipe.model_copy(update={"members": left, "blend": recipe.blend if len(left) > 1 else "single"})
    return [Variant(changed, f"Drop the slow {dear.name}", {"member": dear.name})]


def _faster_boosting(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Twice the learning rate, half the rounds."""
    found = []
    for member in context.members:
        if member.model in BOOSTING and setting(member, "rounds", context) >= 200 and setting(member, "rate", context) <= 0.12:
            rate, rounds = round(setting(member, "rate", context) * 2, 4), int(setting(member, "rounds", context) // 2)
            changed = turned(recipe, member, rate=rate, rounds=rounds)
            found.append(
                Variant(changed, f"Learn faster: rate {rate:g}, {rounds} rounds ({member.name})", {"member": member.name, "rate": rate})
            )
    return found


def _smaller_text(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    found = []
    for member in context.members:
        text = member.text or TextSettings()
        if context.text_columns and member.inputs != "tabular" and text.max_features is None:
            changed = recipe.changed_member(member.name, text=text.model_copy(update={"max_features": 30_000}))
            found.append(Variant(changed, f"Keep the 30,000 most frequent terms ({member.name})", {"member": member.name}))
    return found


def _single_precision(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    if not context.numeric_columns or recipe.has_feature("float32"):
        return []
    return [Variant(recipe.with_feature("float32", []), "Hold numbers in single precision", {"kind": "float32"})]


def _one_seed(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    return [Variant(recipe.model_copy(update={"seeds": 1}), "Go back to one seed", {"seeds": 1})] if recipe.seeds > 1 else []


def _remedy(name: str, title: str, change: Change, rationale: str, answers: Mapping[str, float] = SLOW) -> Technique:
    return Technique(
        name=name,
        title=title,
        component=Component.WORKFLOW,
        change=change,
        rationale=rationale,
        direction="the same for less time or memory",
        falsifier="time and memory hardly fall, or the score does",
        answers=answers,
        prior_gain=0.4,
        prior_success=0.2,
        challenge=True,
    )


TECHNIQUES = [
    _remedy("drop_slow_member", "Drop the slowest member", _drop_dearest, "Time that one member eats is time that no other step can have.",
            BIG | SLOW),
    _remedy("faster_boosting", "Learn faster with fewer rounds", _faster_boosting, "Larger steps cost little score and halve the time."),
    _remedy("smaller_vocabulary", "Keep the most frequent terms", _smaller_text, "Terms beyond the most frequent cost time and memory.",
            SLOW | {"wasted_memory": 0.9}),
    _remedy("single_precision", "Hold numbers in single precision", _single_precision,
            "Seven digits are more than any model needs, and half of the memory.", BIG),
    _remedy("one_seed", "Go back to one seed", _one_seed, "Averaging over seeds is for the end, when there is time left."),
]  # fmt: skip
