"""Feature engineering: numbers and categories combined, rescaled and summarised."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

from gome_graph.reasoners.rules.catalog.common import EARLY, SCALED, feature_variant, listed, reads_tables
from gome_graph.reasoners.rules.recipe import FeatureKind, Recipe
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.estimators import TREES
from gome_graph.records import Component

AMOUNT_SKEW = 1.5
"""Non-negative columns at least this skewed are read as amounts."""
ALIKE = 2.5
"""Columns of one unit have skewness and numbers of distinct values within this factor of their median."""
PAIR_VALUES = 20
"""Combined values from which a pair of categories says more than two one-hot blocks."""
PAIRS = 4
"""Most used numbers that are combined in pairs."""


def amounts(context: TechniqueContext) -> list[str]:
    """Columns that look like amounts of one unit: non-negative, skewed, with the same kind of numbers; empty if fewer than three."""
    found = [c for c in context.numeric_columns if c.nonnegative and c.skew >= AMOUNT_SKEW and c.distinct > 10]
    if not found:
        return []
    skew, distinct = median(c.skew for c in found), median(c.distinct for c in found)
    names = [c.name for c in found if 1 / ALIKE <= c.skew / skew <= ALIKE and 1 / ALIKE <= c.distinct / distinct <= ALIKE]
    return names if 3 <= len(names) <= 20 else []


def _row_stats(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = amounts(context)
    if not names or recipe.has_feature("row_stats"):
        return []
    title = f"Add the total and the number of zeros of {listed(names)}"
    return [
        feature_variant(recipe, "row_stats", names, title, stats=["sum", "zeros"], name="amounts"),
        feature_variant(recipe, "row_stats", names, f"Add sum, mean, largest and spread of {listed(names)}", success=0.3,
                        stats=["sum", "mean", "max", "std"], name="amounts"),
    ]  # fmt: skip


def _pairs(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Ratios, differences and products of the most used numbers."""
    numbers = [c for c in context.numeric_columns if c.distinct > 10]
    if len(numbers) < 2:
        return []
    top = context.by_importance(numbers)[:PAIRS]
    by_name = {c.name: c for c in numbers}
    pairs = [(a, b) for a, b in combinations(top, 2)][:4]
    found = []
    kinds: list[tuple[FeatureKind, str]] = [("ratio", "ratios"), ("difference", "differences"), ("product", "products")]
    for kind, word in kinds:
        changed = recipe
        used = []
        for a, b in pairs:
            if kind == "ratio" and not (by_name[b].nonnegative and by_name[a].nonnegative):
                continue
            changed = changed.with_feature(kind, [a, b])
            used.append(f"{a}:{b}")
        if changed is not recipe and used and not recipe.has_feature(kind):
            found.append(Variant(changed, f"Add {word} of {listed(used, 4)}", {"kind": kind, "pairs": used}))
    return found


def _log(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [c.name for c in context.numeric_columns if c.nonnegative and c.skew >= AMOUNT_SKEW and not recipe.has_feature("log1p", c.name)]
    return [feature_variant(recipe, "log1p", names, f"Take logs of {listed(names)}")] if names else []


def _clip(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [c.name for c in context.numeric_columns if abs(c.skew) >= 2 * AMOUNT_SKEW and not recipe.has_feature("clip", c.name)]
    return [feature_variant(recipe, "clip", names, f"Clip the tails of {listed(names)}", lower=0.005, upper=0.995)] if names else []


def _group_mean(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    keys = [c for c in context.category_columns if 3 <= c.distinct <= context.profile.rows // 20]
    values = context.by_importance([c for c in context.numeric_columns if c.distinct > 10])[:4]
    if not keys or not values:
        return []
    found = []
    for key in context.by_importance(keys)[:2]:
        if not recipe.has_feature("group_mean", key):
            title = f"Compare {listed(values)} with their mean within {key}"
            found.append(feature_variant(recipe, "group_mean", [key], title, values=values, relative=True))
    return found


def _group_stats(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    keys = [c for c in context.category_columns if 3 <= c.distinct <= context.profile.rows // 20]
    values = context.by_importance([c for c in context.numeric_columns if c.distinct > 10])[:4]
    return [
        feature_variant(recipe, "group_stats", [key], f"Rank {listed(values)} within {key}, and add their spread there", values=values)
        for key in context.by_importance(keys)[:2]
        if values and not recipe.has_feature("group_stats", key)
    ]


def _pairs_of_categories(context: TechniqueContext) -> list[tuple[str, str]]:
    """Pairs of the most used categories (codes read as numbers are none) whose values together still group rows."""
    columns = {c.name: c for c in context.category_columns if c.distinct >= 3}
    top = context.by_importance(columns.values())[:4]
    most = context.profile.rows // 3
    return [(a, b) for a, b in combinations(top, 2) if PAIR_VALUES <= columns[a].distinct * columns[b].distinct <= most]


def _pair_counts(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    pairs = _pairs_of_categories(context)[:3]
    changed = recipe
    for a, b in pairs:
        changed = changed.with_feature("group_size", [a, b])
    words = [f"{a}:{b}" for a, b in pairs]
    return [Variant(changed, f"Count the rows that share {listed(words)}", {"kind": "group_size", "pairs": words})] if pairs else []


def _encode_pairs(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Crosses of categories that go to the models by their mean target."""
    pairs = _pairs_of_categories(context)[:3]
    members = [m for m in context.members if m.model in TREES and reads_tables(context, m)]
    if not pairs or not members or not context.single_target:
        return []
    changed = recipe
    for a, b in pairs:
        changed = changed.with_feature("concatenate", [a, b])
    for member in members:
        changed = changed.changed_member(member.name, encoding="target")
    words = [f"{a}:{b}" for a, b in pairs]
    return [Variant(changed, f"Cross {listed(words)} and encode by the mean target", {"kind": "concatenate", "pairs": words})]


def _bins(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = context.by_importance([c for c in context.numeric_columns if c.distinct > 20])[:3]
    if not names or recipe.has_feature("bins"):
        return []
    return [feature_variant(recipe, "bins", names, f"Add quantile bins of {listed(names)}", bins=10)]


def _clusters(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [c.name for c in context.numeric_columns if c.distinct > 10]
    if len(names) < 4 or recipe.has_feature("kmeans"):
        return []
    return [feature_variant(recipe, "kmeans", names, f"Add clusters of {len(names)} numbers", clusters=8)]


def _components(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [c.name for c in context.numeric_columns if c.distinct > 10]
    if len(names) < 10 or recipe.has_feature("pca"):
        return []
    return [feature_variant(recipe, "pca", names, f"Add principal components of {len(names)} numbers", components=4)]


def _crosses(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    keys = context.by_importance([c for c in context.category_columns if 2 <= c.distinct <= 30])[:3]
    found = []
    for a, b in combinations(keys, 2):
        if not any(step.kind == "concatenate" and set(step.columns) == {a, b} for step in recipe.features):
            found.append(feature_variant(recipe, "concatenate", [a, b], f"Cross {a} with {b}"))
    return found


def _tables(context: TechniqueContext) -> bool:
    return bool(context.tabular_columns)


def _numbers(context: TechniqueContext) -> bool:
    return len(context.numeric_columns) >= 2


def _scaled(context: TechniqueContext) -> bool:
    return any(m.model in SCALED for m in context.members)


UNDER = {"underfit": 0.6, "weak_slice": 0.5, "low_signal": 0.4}

TECHNIQUES = [
    Technique(
        name="row_totals",
        title="Add totals over amounts of one unit",
        component=Component.FEATURES,
        change=_row_stats,
        applies=_numbers,
        rationale="Trees need many splits to add up columns; the total, and how many are zero, say it in one.",
        direction="sums over columns of one unit",
        falsifier="the totals are hardly used",
        answers=UNDER,
        prior_gain=2.0,
        prior_success=0.2,
        stages=EARLY,
    ),
    Technique(
        name="number_pairs",
        title="Combine strong numbers in pairs",
        component=Component.FEATURES,
        change=_pairs,
        applies=_numbers,
        rationale="Trees split on one column at a time; a ratio or difference of two strong columns is one split instead of a staircase.",
        direction="interactions of the strongest numbers",
        falsifier="the combinations are hardly used",
        answers=UNDER,
        prior_gain=1.3,
        prior_success=0.25,
    ),
    Technique(
        name="log_inputs",
        title="Take logs of skewed inputs",
        component=Component.FEATURES,
        change=_log,
        applies=_scaled,
        rationale="Models that weigh numbers linearly or by distance are ruled by long tails; logs tame them. Trees do not care.",
        direction="tame skewed inputs of scale-dependent models",
        falsifier="the linear or distance-based member does not improve",
        answers={"residual_skew": 0.4, "residual_outliers": 0.4, "underfit": 0.3, "unconverged": 0.4},
        prior_gain=2.0,
        prior_success=0.3,
    ),
    Technique(
        name="clip_inputs",
        title="Clip extreme inputs",
        component=Component.DATA,
        change=_clip,
        applies=_scaled,
        rationale="A few extreme values carry away a linear fit; winsorised they keep their sign and lose their leverage.",
        direction="limit the leverage of extreme rows",
        falsifier="outlying rows carry as much of the loss as before",
        answers={"residual_outliers": 0.8},
        prior_gain=1.0,
        prior_success=0.25,
    ),
    Technique(
        name="group_relative",
        title="Compare numbers with their group's mean",
        component=Component.FEATURES,
        change=_group_mean,
        applies=_tables,
        rationale="Whether a value is high depends on its kind; the difference to the group's mean says so directly.",
        direction="values relative to their group",
        falsifier="the relative values are hardly used",
        answers=UNDER,
        prior_gain=1.2,
        prior_success=0.25,
    ),
    Technique(
        name="group_ranks",
        title="Rank numbers within their group",
        component=Component.FEATURES,
        change=_group_stats,
        applies=_tables,
        rationale="Being the largest of its kind matters whatever the kind's scale; how much its kind varies says how much a gap means.",
        direction="ranks and spread within groups",
        falsifier="the ranks are hardly used",
        answers=UNDER,
        prior_gain=1.0,
        prior_success=0.2,
    ),
    Technique(
        name="pair_counts",
        title="Count how often pairs of categories occur",
        component=Component.FEATURES,
        change=_pair_counts,
        applies=_tables,
        rationale="A rare combination of common values is a fact that no single count shows.",
        direction="frequency of combinations",
        falsifier="the counts are hardly used",
        answers={"high_cardinality": 0.3, "weak_slice": 0.4, "low_signal": 0.4},
        prior_gain=1.0,
        prior_success=0.2,
    ),
    Technique(
        name="encode_pairs",
        title="Encode pairs of categories by the target, inside the folds",
        component=Component.FEATURES,
        change=_encode_pairs,
        applies=_tables,
        rationale="A pair of categories with many values is one split by its mean target, and dozens by the values themselves.",
        direction="target statistics of combinations",
        falsifier="train-validation gap grows and the score does not",
        answers={"underfit": 0.5, "weak_slice": 0.5, "low_signal": 0.3},
        prior_gain=1.2,
        prior_success=0.2,
        source="Micci-Barreca 2001, A preprocessing scheme for high-cardinality categorical attributes",
    ),
    Technique(
        name="quantile_bins",
        title="Add quantile bins",
        component=Component.FEATURES,
        change=_bins,
        applies=_scaled,
        rationale="Bins let a linear model bend; they also make a strong number usable in category crosses.",
        direction="non-linear effects for linear members",
        falsifier="the linear member does not improve",
        answers=UNDER,
        prior_gain=1.0,
        prior_success=0.25,
    ),
    Technique(
        name="cluster_feature",
        title="Add a cluster number",
        component=Component.FEATURES,
        change=_clusters,
        applies=_numbers,
        rationale="Clusters summarise many numbers by the kind of row, which single splits cannot see.",
        direction="summaries of many numbers",
        falsifier="the cluster is hardly used",
        answers=UNDER,
        prior_gain=0.8,
        prior_success=0.15,
    ),
    Technique(
        name="principal_components",
        title="Add principal components",
        component=Component.FEATURES,
        change=_components,
        applies=_numbers,
        rationale="Directions that run through many columns are oblique to every split; as columns of their own they are one split.",
        direction="oblique directions for trees",
        falsifier="the components are hardly used",
        answers=UNDER,
        prior_gain=0.9,
        prior_success=0.2,
    ),
    Technique(
        name="category_crosses",
        title="Cross two categories",
        component=Component.FEATURES,
        change=_crosses,
        applies=_tables,
        rationale="Two categories together often name a group that neither names alone.",
        direction="interactions of categories",
        falsifier="the cross is hardly used",
        answers=UNDER,
        prior_gain=1.0,
        prior_success=0.2,
    ),
]
