"""Feature engineering: what is hidden in the columns, and which of them to leave out."""

import re
from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import EARLY, feature_variant, listed
from gome_graph.reasoners.rules.recipe import Recipe
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.records import ColumnKind, ColumnProfile, Component

DULL_IMPORTANCE = 0.002
"""A column below this share of feature use is a candidate for leaving out."""
UNIQUE = 0.97
"""Distinct values a row from which a structured column is an identifier in disguise."""
MIN_HISTORY = 20
"""Rows a group from which the row before says something."""
GROUP_DISTINCT = (5, 0.5)
"""A key that groups rows has at least so many values, and at most this share of the rows."""


def _split(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """One structured column after the other, those that are nearly unique last."""
    columns = [
        c for c in context.columns(ColumnKind.COMPOUND) if c.separator and c.parts >= 2 and not recipe.has_feature("split_compound", c.name)
    ]
    columns.sort(key=lambda c: c.distinct)
    found = []
    for column in columns:
        success = 0.25 if column.distinct >= UNIQUE * context.profile.rows else None
        title = f"Split {column.name} into its parts"
        found.append(Variant(_parted(recipe, column), title, {"columns": [column.name]}, success=success))
    return found


def _parted(recipe: Recipe, column: ColumnProfile) -> Recipe:
    """The recipe with a column split; where it is not known which parts are numbers, the first number in the value is read beside them."""
    if not column.top_values and not recipe.has_feature("numeric_from_text", column.name):
        recipe = recipe.with_feature("numeric_from_text", [column.name])
    numbers = numeric_parts(column)
    return recipe.with_feature("split_compound", [column.name], separator=column.separator, parts=column.parts, numbers=numbers)


def _first_part_groups(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Size of the group that the first part of a nearly unique structured value names; the parts themselves are left out again."""
    found = []
    for column in context.columns(ColumnKind.COMPOUND):
        parts = parts_of(column.name, column.parts)
        unique = column.distinct >= UNIQUE * context.profile.rows
        if unique and column.separator and not recipe.has_feature("split_compound", column.name):
            changed = _parted(recipe, column).with_feature("group_size", parts[:1]).with_feature("drop_columns", parts)
            found.append(Variant(changed, f"Count the rows that share the first part of {column.name}", {"columns": [column.name]}))
    return found


def numeric_parts(column: ColumnProfile) -> list[int]:
    """1-based positions of a compound column's parts that are numbers, judged by its frequent values."""
    rows = [value.split(column.separator) for value in column.top_values if column.separator]
    whole = [row for row in rows if len(row) == column.parts]
    return [n + 1 for n in range(column.parts) if whole and all(re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", row[n]) for row in whole)]


def _group_size(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    found = list(_first_part_groups(recipe, context))
    for column in context.columns(ColumnKind.COMPOUND, ColumnKind.CATEGORY, ColumnKind.IDENTIFIER):
        if groups_rows(column, context) and not recipe.has_feature("group_size", column.name):
            found.append(feature_variant(recipe, "group_size", [column.name], f"Count the rows that share {column.name}"))
    for step in recipe.features:
        if step.kind != "split_compound" or recipe.has_feature("drop_columns"):
            continue
        for part in parts_of(step.columns[0], int(step.params.get("parts", 2)))[:2]:
            if not recipe.has_feature("group_size", part):
                found.append(feature_variant(recipe, "group_size", [part], f"Count the rows that share {part}"))
    return found


def parts_of(column: str, parts: int) -> list[str]:
    """Names that ``split_compound`` gives."""
    return [f"{column}_{n + 1}" for n in range(parts)]


def groups_rows(column: ColumnProfile, context: TechniqueContext) -> bool:
    """True if the column's values are shared by few rows each, so that sharing one means something."""
    least, most = GROUP_DISTINCT
    many = column.distinct >= max(least * 4, context.profile.rows // 50)
    return many and (column.distinct <= most * context.profile.rows or column.kind is ColumnKind.COMPOUND)


def _missing(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    holes = [c for c in context.tabular_columns if c.missing >= 0.01]
    found = []
    if len(holes) >= 3 and not recipe.has_feature("missing_count"):
        found.append(feature_variant(recipe, "missing_count", [], "Count missing values per row"))
    names = [c.name for c in sorted(holes, key=lambda c: -c.missing)][:10]
    if names and not recipe.has_feature("missing_flags"):
        found.append(feature_variant(recipe, "missing_flags", names, f"Flag missing values of {listed(names)}"))
    return found


def _impute_by_group(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    holes = [c.name for c in context.numeric_columns if c.missing >= 0.05]
    keys = [c for c in context.category_columns if 2 <= c.distinct <= 50 and c.missing < 0.02]
    if not holes or not keys or recipe.has_feature("impute_by_group"):
        return []
    ranked = context.by_importance(keys)[:2]
    return [feature_variant(recipe, "impute_by_group", holes[:10], f"Impute {listed(holes[:10])} within {key}", by=key) for key in ranked]


def _dates(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    found = []
    for column in context.columns(ColumnKind.DATETIME):
        if not recipe.has_feature("date_parts", column.name):
            found.append(feature_variant(recipe, "date_parts", [column.name], f"Take {column.name} apart into calendar fields"))
    return found


def _date_cycles(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [c.name for c in context.columns(ColumnKind.DATETIME) if not recipe.has_feature("date_cycles", c.name)]
    return [feature_variant(recipe, "date_cycles", [name], f"Say where {name} stands in the day, the week and the year") for name in names]


def _lags(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """The most used numbers as they were in the row before: of the same group, or of all rows."""
    values = context.by_importance([c for c in context.numeric_columns if c.distinct > 10])[:4]
    if not values or recipe.has_feature("lags"):
        return []
    keys = [c for c in context.category_columns if 2 <= c.distinct <= context.profile.rows // MIN_HISTORY]
    there = {c.name for c in context.columns(ColumnKind.CATEGORY, ColumnKind.IDENTIFIER)}
    entities = [name for name in context.flagged("group_structure") if name in there]
    found = []
    for when in context.columns(ColumnKind.DATETIME):
        for by in [*[*entities, *context.by_importance(keys)][:1], None]:
            title = f"Compare {listed(values)} with the row before" + (f" of the same {by}" if by else "")
            found.append(feature_variant(recipe, "lags", values, f"{title}, by {when.name}", time=when.name, by=by))
    return found


def _drop_dull(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Leave out columns the models hardly use."""
    found = []
    if context.pack is not None and context.pack.importance:
        raw = [c.name for c in context.tabular_columns]
        sources = {name for step in recipe.features for name in step.columns}
        dull = [n for n in raw if context.importance(n) < DULL_IMPORTANCE and n not in sources]
        if dull and len(dull) < len(raw) - 1:
            found.append(_dropping(recipe, dull, f"Leave out the hardly used {listed(dull)}", None))
    return found


def _dropping(recipe: Recipe, names: list[str], title: str, success: float | None) -> Variant:
    changed = recipe.model_copy(update={"drop": [*recipe.drop, *(n for n in names if n not in recipe.drop)]})
    return Variant(changed, title, {"columns": names}, success=success)


def _as_category(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [
        c.name for c in context.numeric_columns if c.integer and 3 <= c.distinct <= 30 and not recipe.has_feature("as_category", c.name)
    ]
    return [feature_variant(recipe, "as_category", names, f"Read the codes {listed(names)} as categories")] if names else []


def _hidden_numbers(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    found = []
    for column in context.columns(ColumnKind.CATEGORY, ColumnKind.IDENTIFIER, ColumnKind.TEXT):
        with_digits = [v for v in column.top_values if re.search(r"\d", v)]
        if (
            column.top_values
            and len(with_digits) >= 0.8 * len(column.top_values)
            and not recipe.has_feature("numeric_from_text", column.name)
        ):
            found.append(feature_variant(recipe, "numeric_from_text", [column.name], f"Read the number hidden in {column.name}"))
    return found


def _restore(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Columns that an earlier recipe left out and that the findings say hold something."""
    wanted = [n for n in context.flagged("unused_columns", "unused_text") if n in recipe.drop]
    if not wanted:
        return []
    changed = recipe.model_copy(update={"drop": [n for n in recipe.drop if n not in wanted]})
    return [Variant(changed, f"Use {listed(wanted)} after all", {"columns": wanted})]


def _dated(context: TechniqueContext) -> bool:
    return bool(context.columns(ColumnKind.DATETIME))


def _tables(context: TechniqueContext) -> bool:
    return bool(context.tabular_columns)


def _numbers(context: TechniqueContext) -> bool:
    return len(context.numeric_columns) >= 2


UNDER = {"underfit": 0.6, "weak_slice": 0.5, "low_signal": 0.4}

TECHNIQUES = [
    Technique(
        name="split_compound",
        title="Split a structured column into its parts",
        component=Component.FEATURES,
        change=_split,
        applies=_tables,
        rationale="A code such as A/12/B holds several facts; as one value it is nearly unique and tells a model nothing.",
        direction="make the parts of structured values visible",
        falsifier="the parts are not among the used columns",
        answers={"compound_columns": 1.0, "unused_columns": 0.5, "high_cardinality": 0.6, "unseen_categories": 0.8},
        prior_gain=3.0,
        prior_success=0.6,
        stages=EARLY,
    ),
    Technique(
        name="group_size",
        title="Count the rows that share a value",
        component=Component.FEATURES,
        change=_group_size,
        applies=_tables,
        rationale="Rows that share a rare value (a household, a batch) belong together; the size of their group is a fact of its own.",
        direction="tell the model which rows belong together",
        falsifier="the group size is hardly used",
        answers={"high_cardinality": 0.6, "compound_columns": 0.5, "unseen_categories": 0.5, "group_structure": 0.7},
        prior_gain=1.5,
        prior_success=0.22,
        stages=EARLY,
    ),
    Technique(
        name="missing_indicators",
        title="Make missing values visible",
        component=Component.FEATURES,
        change=_missing,
        applies=_tables,
        rationale="That a value is missing is often a fact about the row, which imputation hides.",
        direction="let the model see what is missing",
        falsifier="the flags are hardly used",
        answers={"missing_values": 0.9},
        prior_gain=1.0,
        prior_success=0.22,
    ),
    Technique(
        name="impute_by_group",
        title="Impute within groups",
        component=Component.DATA,
        change=_impute_by_group,
        applies=_numbers,
        rationale="The median of similar rows is a better guess for a missing value than the median of all.",
        direction="better values where they are missing",
        falsifier="rows with missing values are predicted no better",
        answers={"missing_values": 0.7},
        prior_gain=1.0,
        prior_success=0.2,
    ),
    Technique(
        name="date_parts",
        title="Take dates apart",
        component=Component.FEATURES,
        change=_dates,
        applies=_dated,
        rationale="Season, weekday and hour are periodic facts that no model reads from a date string.",
        direction="make calendar effects visible",
        falsifier="the parts are hardly used",
        answers={"datetime_unused": 1.0, "unused_columns": 0.5, "low_signal": 0.4, "time_structure": 0.8},
        prior_gain=4.0,
        prior_success=0.65,
        stages=EARLY,
    ),
    Technique(
        name="date_cycles",
        title="Let dates go round",
        component=Component.FEATURES,
        change=_date_cycles,
        applies=_dated,
        rationale="December is next to January and Sunday unlike Monday: waves and the hour of the week say so, plain numbers do not.",
        direction="calendar effects without jumps, weekday and hour together",
        falsifier="the new parts are hardly used",
        answers={"datetime_unused": 0.7, "underfit": 0.4, "weak_slice": 0.5, "time_structure": 0.7},
        prior_gain=4.0,
        prior_success=0.3,
    ),
    Technique(
        name="input_lags",
        title="Compare inputs with the row before",
        component=Component.FEATURES,
        change=_lags,
        applies=_dated,
        rationale="Where rows follow each other in time, how an input changed can matter more than what it is.",
        direction="change of the inputs over time",
        falsifier="the changes are hardly used",
        answers={"weak_slice": 0.4, "low_signal": 0.4, "time_structure": 0.9},
        prior_gain=1.0,
        prior_success=0.15,
    ),
    Technique(
        name="drop_noise",
        title="Leave out columns that carry nothing",
        component=Component.DATA,
        change=_drop_dull,
        applies=_tables,
        rationale="Columns without signal still offer splits; without them the fit varies less and runs faster.",
        direction="fewer inputs, less variance",
        falsifier="the score falls, or the fold spread does not shrink",
        answers={"overfit": 0.5, "fold_variance": 0.4, "drift": 0.2},
        prior_gain=1.0,
        prior_success=0.25,
    ),
    Technique(
        name="codes_as_categories",
        title="Read whole-number codes as categories",
        component=Component.FEATURES,
        change=_as_category,
        applies=_tables,
        rationale="A code's order means nothing; as a category each value gets its own effect.",
        direction="codes without a false order",
        falsifier="the score does not rise",
        answers=UNDER,
        prior_gain=1.0,
        prior_success=0.18,
    ),
    Technique(
        name="hidden_numbers",
        title="Read numbers hidden in strings",
        component=Component.FEATURES,
        change=_hidden_numbers,
        applies=_tables,
        rationale="A string such as '12 kg' is a number in disguise; read as one, its order comes back.",
        direction="strings to numbers",
        falsifier="the new numbers are hardly used",
        answers={"high_cardinality": 0.6, "unused_columns": 0.6},
        prior_gain=1.5,
        prior_success=0.22,
    ),
    Technique(
        name="restore_columns",
        title="Use columns that were left out",
        component=Component.FEATURES,
        change=_restore,
        rationale="What was left out to start simply may still explain errors that the rest cannot.",
        direction="give the model the columns it lacks",
        falsifier="the columns are hardly used",
        answers={"unused_columns": 0.8, "unused_text": 0.7},
        prior_gain=1.5,
        prior_success=0.3,
        challenge=True,
    ),
]
