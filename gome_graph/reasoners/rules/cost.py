"""What a recipe will cost: a rough model of each estimator, corrected by what was measured.

The model's constants are orders of magnitude from timing the writer's scripts on two cores; only ratios matter once a script has run,
because the prediction is scaled to the measured seconds.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from gome_graph.reasoners.rules.recipe import Member, ModelKind, Recipe
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.reasoners.rules.text_cost import SPARSE_MODELS, fitting_seconds, reading_seconds
from gome_graph.reasoners.rules.writer import presets
from gome_graph.reasoners.rules.writer.keys import counted, member_keys
from gome_graph.reasoners.rules.writer.tuning import TUNING_ROWS
from gome_graph.records import ColumnKind, Seconds, TargetKind, TaskProfile

START_SECONDS = 2.5
"""Imports, reading and writing: paid once a script."""

UNIT_SECONDS: dict[ModelKind, float] = {
    "lightgbm": 4.0, "catboost": 8.0, "hist_gradient_boosting": 5.0, "extra_trees": 4.0, "random_forest": 7.0, "linear": 1.5, "knn": 2.0,
    "svm": 25.0, "gaussian_process": 60.0, "mlp": 8.0, "nb_svm": 2.0, "tfidf_linear": 2.0, "naive_bayes": 0.5, "lda": 0.6,
    "xgboost": 5.0, "nystroem": 2.5, "tabular_net": 35.0, "picture_net": 400.0,
}  # fmt: skip
"""Seconds for five folds of 10,000 rows x 30 columns, one seed, writer's defaults."""

ROW_POWER: dict[ModelKind, float] = {"svm": 2.0, "gaussian_process": 3.0, "knn": 1.5, "picture_net": 0.5}
"""How cost grows with rows, where not linearly."""

BOOSTING = ("lightgbm", "catboost", "hist_gradient_boosting", "xgboost")
ROUNDS_KEYS = ("n_estimators", "iterations", "max_iter")
UNIT_ROUNDS = 300
"""Rounds that `UNIT_SECONDS` stands for, of trees with 31 leaves."""
SMALL_TREES = 0.5
"""What a round costs with the small trees that few rows get."""
SMALL_LEAVES = 16
TRIAL_SHARE = 3.0
"""What a trial costs in fits: three on two thirds of the rows, some of them pruned, many with larger trees (measured 2.3 to 3.8)."""
CURVES = 1.7
"""What it costs a linear model to see each number as seven columns (measured)."""
STOPPED_ROUNDS = 500
"""Rounds that early stopping typically reaches."""
CATBOOST_KNEE = 200
"""From so many iterations CatBoost, where it may combine categories, does so deeply: measured twice to four times the time a round."""
TREE_SECONDS = 0.0006
"""What a boosted tree costs however few rows it sees: LightGBM took 0.35 ms a tree on 400 rows and 1 ms on 2,400 with a category."""
CLASS_EXPONENT = 0.8
"""Boosting fits a tree per class and round; small classes are cheaper than large ones."""
SPEED_BOUNDS = (0.2, 5.0)
"""How far a machine may be from the model when an estimator that has not run yet is predicted from one that has."""


def boosting_rounds(member: Member, profile: TaskProfile) -> int:
    """Rounds that are fitted: the member's own, or the writer's default for so many rows and classes."""
    told = next((member.params[k] for k in ROUNDS_KEYS if isinstance(member.params.get(k), int)), None)
    if member.early_stopping:
        return min(told or STOPPED_ROUNDS, STOPPED_ROUNDS)
    if told is not None:
        return int(told)
    return presets.rounds(member, len(profile.target.classes), profile.rows)


def _small_trees(member: Member, profile: TaskProfile) -> bool:
    """True where the writer's default, or the member's own setting, is a tree of few leaves (CatBoost's depth is another matter)."""
    told = next((member.params[k] for k in ("num_leaves", "max_leaf_nodes") if k in member.params), None)
    return member.model != "catboost" and (told or presets.leaves(len(profile.target.classes), profile.rows)) <= SMALL_LEAVES


def member_units(member: Member, profile: TaskProfile, seeds: int) -> float:
    """Modelled seconds of one member, all folds and seeds, on a machine of speed 1."""
    rows = max(profile.rows, 50) / 10_000
    power = ROW_POWER.get(member.model, 1.0)
    units = UNIT_SECONDS[member.model] * rows**power
    columns = len(profile.columns)
    text = [c for c in profile.columns if c.kind in (ColumnKind.TEXT, ColumnKind.LIST)]
    sees_text = bool(text) and member.inputs != "tabular"
    if sees_text:
        reading = reading_seconds(member.text, profile)
        if member.model in SPARSE_MODELS:
            return reading + fitting_seconds(member, profile) * max(1, len(profile.target.columns))
        units += reading
        if member.model == "linear":
            units += 3.0 * fitting_seconds(member, profile)  # L-BFGS on numbers and terms together
        else:
            width = (member.text.svd or 64) if member.text is not None else 64
            columns += width
            units += 6.0 * rows
    if member.inputs != "text":
        units *= 0.4 + 0.6 * columns / 30
    if member.scaling == "spline":
        units *= CURVES
    categories = any(c.kind is ColumnKind.CATEGORY for c in profile.columns) and member.inputs != "text"
    classes = len(profile.target.classes) if profile.target.kind is TargetKind.MULTICLASS else 1
    targets = max(1, len(profile.target.columns))
    if member.model in BOOSTING:
        units *= (0.1 + 0.9 * boosting_rounds(member, profile) / UNIT_ROUNDS) * max(1, classes) ** CLASS_EXPONENT
        if _small_trees(member, profile):
            units *= SMALL_TREES
        units += TREE_SECONDS * boosting_rounds(member, profile) * max(1, classes) * 5  # folds
        if (
            member.model == "catboost"
            and boosting_rounds(member, profile) >= CATBOOST_KNEE
            and categories
            and member.params.get("max_ctr_complexity", 1) > 1
        ):
            units *= 2.0
    elif member.model in ("linear", "tfidf_linear", "nb_svm", "mlp", "svm"):
        units *= max(1, classes) ** 0.5
    if member.trials > 0:
        units *= 1.0 + TRIAL_SHARE * member.trials * min(1.0, TUNING_ROWS / (profile.rows * (1.0 - 1.0 / max(profile.folds, 2))))
    return float(units * targets * (member.seeds or seeds) * profile.folds / 5)


def recipe_units(recipe: Recipe, profile: TaskProfile) -> float:
    """Modelled seconds of the whole script without `START_SECONDS`, on a machine of speed 1."""
    refit = 1.0 + (1.0 / profile.folds if recipe.test_prediction == "refit" else 0.0)
    return refit * sum(member_units(m, profile, recipe.seeds) for m in counted(recipe))


COST_HEADROOM = 0.8
"""Share of the time limit that a predicted cost may fill: the prediction is rough."""


@dataclass(frozen=True)
class Cost:
    """What a script will take at full stage, in wall seconds."""

    seconds: Seconds
    """In this run: members whose predictions are kept cost nothing."""
    whole: Seconds
    """By hand, with another seed or on all rows: every member is fitted."""


@dataclass(frozen=True)
class Measured:
    """What the incumbent's run says of the machine."""

    members: dict[str, Member]
    """The incumbent's, by name."""
    units: dict[str, float]
    """Modelled seconds of each."""
    seconds: dict[str, Seconds]
    """Measured seconds of those that telemetry names."""
    rest: Seconds
    """What was measured and belongs to no member."""
    speed: float
    """Measured seconds per modelled second."""


@functools.lru_cache(maxsize=4)  # every candidate of a step is compared with the same incumbent
def _measured(context: TechniqueContext) -> Measured:
    profile = context.profile
    old = {m.name: m for m in counted(context.recipe)}
    old_units = recipe_units(context.recipe, profile)
    busy = max(context.incumbent_seconds - START_SECONDS, 0.2) if context.incumbent_seconds else old_units
    speed = busy / max(old_units, 1e-6)
    measured: dict[str, float] = {}
    if context.pack is not None:
        for fold in context.pack.folds:
            if fold.seconds is not None:
                measured[fold.model] = measured.get(fold.model, 0.0) + fold.seconds
    known = sum(s for name, s in measured.items() if name in old)
    if known > busy:  # reported times overlap, or the machine was busier than the wall clock says: shares are all they tell
        measured = {name: seconds * busy / known for name, seconds in measured.items()}
        known = busy
    units = {name: member_units(member, profile, context.recipe.seeds) for name, member in old.items()}
    return Measured(old, units, measured, max(busy - known, 0.0) if known else 0.0, speed)


def predict_cost(recipe: Recipe, context: TechniqueContext, *, multiplier: float = 1.0, keys: Mapping[str, str] | None = None) -> Cost:
    """The cost of a changed recipe. `keys` are its members' keys, where they are known already.

    Members that the incumbent has are scaled from the incumbent's measured seconds (per member where telemetry says), new ones from the
    modelled ratio, within `SPEED_BOUNDS`.
    """
    profile, measured = context.profile, _measured(context)
    total = fresh = measured.rest
    refit = 1.0 + (1.0 / profile.folds if recipe.test_prediction == "refit" else 0.0)
    members = counted(recipe)
    if keys is None:
        keys = member_keys(recipe, members) if context.kept else {}
    alike = recipe.seeds == context.recipe.seeds
    for member in members:
        before = measured.members.get(member.name)
        same = alike and member is before  # most candidates change one member and share the rest
        units = (measured.units[member.name] if same else member_units(member, profile, recipe.seeds)) * refit
        if before is not None and before.model == member.model:
            told = measured.seconds.get(member.name)
            seconds = units * measured.speed if told is None else told * units / measured.units[member.name]
        else:
            seconds = units * min(max(measured.speed, SPEED_BOUNDS[0]), SPEED_BOUNDS[1])
        total += seconds
        if keys.get(member.name) not in context.kept:
            fresh += seconds
    return Cost(START_SECONDS + fresh * multiplier, START_SECONDS + total * multiplier)


def affordable(cost: Cost, context: TechniqueContext) -> bool:
    """True if a script of that predicted cost fits the time limit and what is left of the budget, and can be fitted again at the end."""
    caps = [cap for cap in (context.time_limit, context.seconds_left) if cap > 0]
    if context.final_limit > 0 and cost.whole > max(context.final_limit, context.incumbent_seconds):
        return False
    return not caps or cost.seconds <= COST_HEADROOM * min(caps)
