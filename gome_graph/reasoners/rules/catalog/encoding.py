"""Categories: how they reach the models."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import BOOSTING, FORESTS, feature_variant, listed, reads_tables
from gome_graph.reasoners.rules.recipe import Encoding, Recipe
from gome_graph.reasoners.rules.technique import Change, Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.models import encoding_of
from gome_graph.records import ColumnKind, Component

HIGH_CARDINALITY = 30
"""Categories with more values than this are worth an encoding of their own."""


def _many(context: TechniqueContext) -> list[str]:
    return [c.name for c in context.columns(ColumnKind.CATEGORY) if c.distinct > HIGH_CARDINALITY]


def _frequency(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [n for n in _many(context) if not recipe.has_feature("frequency", n)]
    return [feature_variant(recipe, "frequency", names, f"Count how often {listed(names)} occur")] if names else []


def _encode(encoding: Encoding, models: Sequence[str], word: str) -> Change:
    def change(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
        found = []
        for member in context.members:
            if member.model in models and encoding_of(member) != encoding and reads_tables(context, member):
                changed = recipe.changed_member(member.name, encoding=encoding)
                found.append(Variant(changed, f"{word} for {member.name}", {"member": member.name, "encoding": encoding}))
        return found

    return change


def _categories(context: TechniqueContext) -> bool:
    return bool(context.category_columns or context.columns(ColumnKind.COMPOUND))


def _high(context: TechniqueContext) -> bool:
    return bool(_many(context)) and context.single_target


TECHNIQUES = [
    Technique(
        name="frequency_encoding",
        title="Count how often a category occurs",
        component=Component.FEATURES,
        change=_frequency,
        applies=_categories,
        rationale="Rare and common values differ in kind; the count says so without a level for each value.",
        direction="frequency of categories as a number",
        falsifier="the counts are hardly used",
        answers={"high_cardinality": 0.7, "unseen_categories": 0.4, "drift": 0.2},
        prior_gain=1.2,
        prior_success=0.3,
    ),
    Technique(
        name="target_encoding",
        title="Encode categories by the target, inside the folds",
        component=Component.FEATURES,
        change=_encode(
            "target",
            ("linear", "knn", "svm", "mlp", "lda", "gaussian_process", "nystroem", "tabular_net", *FORESTS, *BOOSTING),
            "Target-encode categories",
        ),
        applies=_high,
        rationale="A smoothed mean of the target, cross-fitted within each fold's learning rows, gives a rare level an honest number.",
        direction="target statistics for categories with many values",
        falsifier="train-validation gap grows and the score does not",
        answers={"high_cardinality": 0.8, "unseen_categories": 0.4, "underfit": 0.2, "group_structure": 0.5},
        prior_gain=1.5,
        prior_success=0.3,
        source="Micci-Barreca 2001, A preprocessing scheme for high-cardinality categorical attributes",
    ),
    Technique(
        name="onehot_encoding",
        title="One-hot encode categories",
        component=Component.FEATURES,
        change=_encode("onehot", ("lightgbm", "hist_gradient_boosting", *FORESTS), "One-hot encode categories"),
        applies=_categories,
        rationale="With few levels and few rows, splits on single levels overfit less than subsets of levels.",
        direction="simpler splits on categories",
        falsifier="the score does not rise",
        answers={"overfit": 0.4},
        prior_gain=1.0,
        prior_success=0.25,
    ),
    Technique(
        name="ordinal_encoding",
        title="Give boosting ordinal codes instead of native categories",
        component=Component.FEATURES,
        change=_encode("ordinal", ("lightgbm", "hist_gradient_boosting"), "Use ordinal codes of categories"),
        applies=_categories,
        rationale="Native subset splits fit noise of rare levels; ordered codes regularise them.",
        direction="less flexible splits on categories",
        falsifier="the train-validation gap does not shrink",
        answers={"overfit": 0.5, "high_cardinality": 0.5, "fold_variance": 0.3},
        prior_gain=1.0,
        prior_success=0.3,
    ),
]
