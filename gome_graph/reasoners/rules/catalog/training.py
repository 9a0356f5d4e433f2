"""Training: learning rate, rounds, regularisation, capacity, losses, class weights."""

from collections.abc import Mapping, Sequence
from typing import Any

from gome_graph.reasoners.rules.catalog.common import SCALED, boosted, effective, learns_classes, setting, turned
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.technique import Change, Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.presets import suits_curves
from gome_graph.records import Component, TargetKind

SLOWEST_RATE = 0.012
BRIEF: dict[str, float] = {"lightgbm": 6.0, "hist_gradient_boosting": 6.0, "xgboost": 6.0, "catboost": 20.0}
"""Rate x rounds below which boosting has usually not gone far enough (CatBoost's symmetric trees are weaker each)."""
BRIEF_PROSPECTS = (4.0, 0.4)
"""Gain in noise units and chance of more rounds there: 5 of 11 recorded steps were accepted, for 3 to 8 units."""
LINEAR = ("linear", "tfidf_linear", "nb_svm")


def _slower(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Half the learning rate, twice the rounds."""
    found = []
    for member in boosted(context):
        rate, rounds = float(setting(member, "rate", context)), int(setting(member, "rounds", context))
        if rate / 2 < SLOWEST_RATE:
            continue
        changed = turned(recipe, member, rate=round(rate / 2, 4), rounds=rounds * 2)
        title = f"Learn at rate {round(rate / 2, 4):g} for {rounds * 2} rounds ({member.name})"
        found.append(Variant(changed, title, {"member": member.name, "rate": round(rate / 2, 4), "rounds": rounds * 2}))
    return found


def _rounds(factor: float, word: str) -> Change:
    def change(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
        found = []
        for member in boosted(context):
            rounds = round(int(setting(member, "rounds", context)) * factor)
            if 50 <= rounds <= 6000 and not member.early_stopping:
                changed = turned(recipe, member, rounds=rounds)
                brief = factor > 1 and float(setting(member, "rate", context)) * rounds / factor < BRIEF[member.model]
                title, params = f"{word}: {rounds} rounds ({member.name})", {"member": member.name, "rounds": rounds}
                found.append(Variant(changed, title, params, *(BRIEF_PROSPECTS if brief else (None, None))))
        return found

    return change


def _early_stopping(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    found = []
    for member in boosted(context):
        if not member.early_stopping:
            rounds = max(2000, int(setting(member, "rounds", context)))
            changed = turned(recipe.changed_member(member.name, early_stopping=True), member, rounds=rounds)
            found.append(Variant(changed, f"Choose the rounds of {member.name} by early stopping", {"member": member.name}))
    return found


Preset = tuple[str, Mapping[str, Any]]

STRONGER: dict[str, list[Preset]] = {
    "lightgbm": [
        ("small trees, strong L2", {"num_leaves": 6, "min_child_samples": 30, "reg_lambda": 10.0}),
        ("cuts at random points", {"extra_trees": True, "num_leaves": 16, "min_child_samples": 20, "colsample_bytree": 0.55}),
    ],
    "catboost": [
        ("shallow trees, strong L2", {"depth": 4, "l2_leaf_reg": 10.0}),
        ("random splits, strong L2", {"depth": 5, "l2_leaf_reg": 6.0, "random_strength": 5.0, "bagging_temperature": 1.0}),
    ],
    "hist_gradient_boosting": [("small trees, strong L2", {"max_leaf_nodes": 6, "min_samples_leaf": 30, "l2_regularization": 10.0})],
    "xgboost": [("shallow trees, strong L2", {"max_depth": 2, "min_child_weight": 5.0, "reg_lambda": 10.0})],
    "extra_trees": [("larger leaves", {"min_samples_leaf": 4}), ("half of the columns a split", {"max_features": 0.5})],
    "random_forest": [("larger leaves", {"min_samples_leaf": 4})],
    "linear": [("a tenth of C or ten times alpha", {})],
    "tfidf_linear": [("a tenth of C or ten times alpha", {})],
    "nb_svm": [("a tenth of C or ten times alpha", {})],
    "mlp": [("strong weight decay", {"alpha": 0.1})],
    "tabular_net": [("more dropout", {"dropout": 0.3, "decay": 0.05})],
    "svm": [("a fifth of C", {"C": 0.2})],
    "knn": [("more neighbours", {"n_neighbors": 50})],
}  # fmt: skip
"""Presets against overfitting, from the libraries' own tuning guides. Cuts at random points (LightGBM's ``extra_trees``) were the best of
seven settings on 7 of 20 small data sets, and lead AutoGluon's portfolio."""

COMBINATIONS = {"max_ctr_complexity": 3, "one_hot_max_size": 2}
"""CatBoost's statistics of two and three categories together: dear, so not the start."""

WEAKER: dict[str, list[Preset]] = {
    "lightgbm": [("larger trees", {"num_leaves": 24}), ("large trees", {"num_leaves": 63, "min_child_samples": 10}),
                 ("large trees, column sampling", {"num_leaves": 127, "min_child_samples": 20, "colsample_bytree": 0.6})],
    "catboost": [("deeper trees", {"depth": 8}), ("combinations of categories", COMBINATIONS), ("weak L2", {"l2_leaf_reg": 1.0})],
    "hist_gradient_boosting": [("larger trees", {"max_leaf_nodes": 24}), ("large trees", {"max_leaf_nodes": 63, "min_samples_leaf": 10})],
    "xgboost": [("deeper trees", {"max_depth": 5}), ("deep trees", {"max_depth": 9, "min_child_weight": 2.0})],
    "extra_trees": [("all columns a split", {"max_features": 1.0})],
    "random_forest": [("half of the columns a split", {"max_features": 0.5})],
    "linear": [("ten times C or a tenth of alpha", {})],
    "tfidf_linear": [("ten times C or a tenth of alpha", {})],
    "nb_svm": [("ten times C or a tenth of alpha", {})],
    "mlp": [("wider layers", {"hidden_layer_sizes": [256, 128]})],
    "tabular_net": [("finer waves", {"scale": 0.4})],
    "svm": [("five times C", {"C": 5.0}), ("five times C, a wider kernel", {"C": 5.0, "kind": "wide"})],
    "nystroem": [("more landmarks", {"n_components": 900})],
    "knn": [("fewer neighbours", {"n_neighbors": 10})],
}  # fmt: skip
"""Presets against underfitting."""


def _strength(presets: Mapping[str, list[Preset]], stronger: bool) -> Change:
    """A ladder of presets per member; linear models move along C (classes) or alpha (numbers)."""

    def change(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
        found = []
        for member in context.members:
            if member.model in LINEAR:
                found += _linear(recipe, context, member, stronger)
                continue
            for word, params in presets.get(member.model, []):
                if params is COMBINATIONS and len(context.category_columns) < 2:
                    continue
                if not stronger and _no_larger(params, effective(member, context)):
                    continue
                changed = recipe.with_params(member.name, **params)
                found.append(Variant(changed, f"{member.name}: {word}", {"member": member.name, **params}))
        return found

    return change


def _no_larger(params: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """True if the trees of that preset are no larger than those of the settings at work."""
    return any(key in params and key in now and params[key] <= now[key] for key in ("num_leaves", "max_leaf_nodes", "max_depth"))


def _linear(recipe: Recipe, context: TechniqueContext, member: Member, stronger: bool) -> list[Variant]:
    key = "C" if learns_classes(context) else "alpha"
    now = effective(member, context).get(key)
    if now is None:
        return []
    found = []
    for factor in (4.0, 16.0):
        value = now / factor if stronger == (key == "C") else now * factor
        value = float(f"{value:.3g}")
        if 1e-3 <= value <= 1e3:
            changed = recipe.with_params(member.name, **{key: value})
            again = (
                0.2 if key in member.params else None
            )  # the ladder was climbed before: the next rung is past the top more often than not
            found.append(Variant(changed, f"{member.name}: {key} = {value:g}", {"member": member.name, key: value}, success=again))
    return found


ABSOLUTE = ("mae", "smape", "mape")
"""Metrics for which the writer's own choice of a boosting loss is the absolute one."""
LAD_ROWS = 5_000
"""Least absolute deviations is a linear programme: above this many rows the Huber loss stands in for it."""


def _absolute_loss(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Fit what is judged: medians for absolute errors, robust losses for outliers."""
    losses = {"lightgbm": ("l1", "huber"), "catboost": ("MAE", "Huber:delta=1.0"), "hist_gradient_boosting": ("absolute_error",),
              "xgboost": ("reg:absoluteerror", "reg:pseudohubererror")}  # fmt: skip
    found = []
    for member in context.members:
        for loss in losses.get(member.model, ())[: 1 if context.task.metric in ABSOLUTE else 2]:
            usual = member.objective is None and context.task.metric in ABSOLUTE
            if member.objective != loss and not usual:
                changed = recipe.changed_member(member.name, objective=loss)
                found.append(Variant(changed, f"Fit {member.name} with the {loss} loss", {"member": member.name, "objective": loss}))
        if member.model == "linear" and "kind" not in member.params:
            kind = "lad" if context.profile.rows <= LAD_ROWS and context.task.metric in ABSOLUTE else "huber"
            changed = recipe.changed_member(member.name, params={"kind": kind})
            found.append(Variant(changed, f"Fit {member.name} with a robust loss ({kind})", {"member": member.name, "kind": kind}))
    return found


def _squared_loss(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Back to means, where an earlier step chose medians, counts or a clipped target."""
    found = []
    for member in context.members:
        if member.objective is not None and context.task.metric not in ABSOLUTE:
            changed = recipe.changed_member(member.name, objective=None)
            found.append(Variant(changed, f"Fit {member.name} with its usual loss", {"member": member.name}))
    if recipe.target_clip is not None:
        found.append(Variant(recipe.model_copy(update={"target_clip": None}), "Do not clip the training target", {}))
    return found


def _count_loss(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    losses = {"lightgbm": "poisson", "catboost": "Poisson", "hist_gradient_boosting": "poisson", "xgboost": "count:poisson"}
    target = context.profile.target
    if not (target.nonnegative and target.integer) or recipe.target_transform != "none":
        return []
    return [
        Variant(recipe.changed_member(m.name, objective=losses[m.model]), f"Fit {m.name} with the Poisson loss", {"member": m.name})
        for m in boosted(context)
        if m.objective != losses[m.model]
    ]


def _class_weight(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    if recipe.class_weight == "balanced":
        return [Variant(recipe.model_copy(update={"class_weight": "none"}), "Take the class weights away", {"class_weight": "none"})]
    return [Variant(recipe.model_copy(update={"class_weight": "balanced"}), "Weigh classes equally", {"class_weight": "balanced"})]


def _imbalanced(context: TechniqueContext) -> bool:
    shares = context.profile.target.class_shares
    judged = context.task.metric in ("balanced_accuracy", "log_loss_balanced", "f1", "f1_macro", "mcc", "roc_auc", "average_precision")
    uneven = bool(shares) and min(shares) < 0.6 / len(shares) and judged
    return learns_classes(context) and (uneven or context.recipe.class_weight == "balanced")


def _refit(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Curves for linear models, robust scaling or quantile scaling for all models that need a scale."""
    found = []
    for member in context.members:
        if member.model not in SCALED or member.inputs == "text" or not context.numeric_columns:
            continue
        scalings: list[Any] = ["quantile", "robust"]
        if member.model == "linear" and suits_curves(context.profile.rows, len(context.numeric_columns)):
            scalings.insert(0, "spline")
        for scaling in scalings:
            if member.scaling == scaling:
                continue
            curves = scaling == "spline"
            title = f"Let {member.name} follow each number as a curve" if curves else f"Scale the numbers of {member.name} by {scaling}"
            changed = recipe.changed_member(member.name, scaling=scaling)
            found.append(Variant(changed, title, {"member": member.name, "scaling": scaling}, *((2.5, 0.55) if curves else (None, None))))
    return found


def _numbers_boosted(context: TechniqueContext) -> bool:
    return context.target is TargetKind.REGRESSION and bool(boosted(context))


def _one_number(context: TechniqueContext) -> bool:
    return context.target is TargetKind.REGRESSION


def _boosts(context: TechniqueContext) -> bool:
    return bool(boosted(context))


GUIDE = "LightGBM documentation, Parameters tuning; CatBoost documentation, Parameter tuning"

TECHNIQUES = [
    Technique(
        name="slower_learning",
        title="Lower the learning rate and add rounds",
        component=Component.TRAINING,
        change=_slower,
        applies=_boosts,
        rationale="Smaller steps average over more trees: the same fit with less variance, paid in time.",
        direction="smaller steps, more rounds",
        falsifier="the score does not rise although the time doubled",
        answers={"early_stopping_capped": 0.4, "fold_variance": 0.4, "overfit": 0.2},
        prior_gain=1.2,
        prior_success=0.3,
        source="Friedman 2001, Greedy function approximation, section 5",
    ),
    Technique(
        name="more_rounds",
        title="Train for more rounds",
        component=Component.TRAINING,
        change=_rounds(2.0, "Train longer"),
        applies=_boosts,
        rationale="Boosting that still improves when it stops has left score behind.",
        direction="more rounds",
        falsifier="the validation score is no better, and the train-validation gap larger",
        answers={"early_stopping_capped": 1.0, "underfit": 0.8},
        prior_gain=1.5,
        prior_success=0.13,
    ),
    Technique(
        name="fewer_rounds",
        title="Train for fewer rounds",
        component=Component.TRAINING,
        change=_rounds(0.5, "Train less"),
        applies=_boosts,
        rationale="Boosting that fits its training rows perfectly has gone on too long; stopping earlier also saves time.",
        direction="fewer rounds",
        falsifier="the score falls",
        answers={"overfit": 0.7, "slow": 0.7, "crash_timeout": 0.8, "label_noise": 0.6},
        prior_gain=1.5,
        prior_success=0.13,
    ),
    Technique(
        name="early_stopping",
        title="Choose the rounds by early stopping",
        component=Component.TRAINING,
        change=_early_stopping,
        applies=lambda c: _boosts(c) and c.profile.rows >= 1000,
        rationale="The right number of rounds differs by fold; a part of the learning rows can tell it.",
        direction="rounds chosen on held-out learning rows",
        falsifier="the chosen rounds vary wildly and the score does not rise",
        answers={"overfit": 0.6, "slow": 0.3, "label_noise": 0.4},
        prior_gain=1.2,
        prior_success=0.22,
    ),
    Technique(
        name="stronger_regularisation",
        title="Regularise more strongly",
        component=Component.TRAINING,
        change=_strength(STRONGER, True),
        rationale="A model that knows its training rows much better than new ones has room to be simpler.",
        direction="simpler models: smaller trees, stronger penalties, sampling",
        falsifier="the train-validation gap shrinks and the score falls",
        answers={"overfit": 0.9, "fold_variance": 0.6, "label_noise": 0.8, "heteroscedastic": 0.2, "duplicated_rows": 0.5},
        prior_gain=2.0,
        prior_success=0.13,
        source=GUIDE,
    ),
    Technique(
        name="more_capacity",
        title="Allow more capacity",
        component=Component.TRAINING,
        change=_strength(WEAKER, False),
        rationale="A model that is no better on its training rows than on new ones can follow the data more closely.",
        direction="larger models, weaker penalties",
        falsifier="the train-validation gap grows and the score does not rise",
        answers={"underfit": 0.9},
        prior_gain=1.5,
        prior_success=0.13,
        source=GUIDE,
    ),
    Technique(
        name="robust_loss",
        title="Fit a robust loss",
        component=Component.TRAINING,
        change=_absolute_loss,
        applies=_one_number,
        rationale="Squared errors follow outliers; absolute errors follow the median, which is what an absolute metric judges.",
        direction="the loss that is judged, or one that outliers cannot rule",
        falsifier="the bulk of the rows is predicted no better",
        answers={"residual_skew": 0.5, "residual_outliers": 0.7, "metric_mismatch": 0.9, "heteroscedastic": 0.5},
        prior_gain=1.5,
        prior_success=0.2,
    ),
    Technique(
        name="usual_loss",
        title="Fit the usual loss again",
        component=Component.TRAINING,
        change=_squared_loss,
        applies=_one_number,
        rationale="A robust loss predicts medians; where the mean is judged and the tail is long, that is too low on average.",
        direction="means where means are judged",
        falsifier="the mean of the residuals does not come nearer to zero",
        answers={"biased": 0.9},
        prior_gain=1.5,
        prior_success=0.4,
        challenge=True,
    ),
    Technique(
        name="count_loss",
        title="Fit a Poisson loss to counts",
        component=Component.TRAINING,
        change=_count_loss,
        applies=_numbers_boosted,
        rationale="Counts vary more where they are large; the Poisson loss expects that.",
        direction="a loss made for counts",
        falsifier="the score does not rise",
        answers={"residual_skew": 0.4, "skewed_target": 0.6, "heteroscedastic": 0.6},
        prior_gain=1.5,
        prior_success=0.3,
    ),
    Technique(
        name="class_weights",
        title="Weigh classes equally",
        component=Component.TRAINING,
        change=_class_weight,
        applies=_imbalanced,
        rationale="A metric that counts classes equally is served by a loss that does so too.",
        direction="weights by class",
        falsifier="recall of the rare class rises and the metric falls",
        answers={"class_imbalance": 0.8, "threshold": 0.3, "biased": 0.7, "metric_mismatch": 0.4},
        prior_gain=2.0,
        prior_success=0.3,
    ),
    Technique(
        name="scaling",
        title="Scale numbers another way",
        component=Component.FEATURES,
        change=_refit,
        rationale="Distances and penalties depend on scale: ranks or robust units keep outliers from ruling them, and curves bend where "
        "the data do.",
        direction="another scale for scale-dependent models",
        falsifier="the member does not improve",
        answers={"residual_outliers": 0.3, "unconverged": 0.7, "underfit": 0.4},
        prior_gain=1.0,
        prior_success=0.17,
    ),
]
