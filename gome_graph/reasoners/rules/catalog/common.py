"""What the groups of the catalog share: estimators' parameter names, small readers of a recipe, fresh members."""

from collections.abc import Iterable
from typing import Any

from gome_graph.reasoners.rules.recipe import Blend, Member, ModelKind, Recipe
from gome_graph.reasoners.rules.technique import TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.estimators import estimator
from gome_graph.reasoners.rules.writer.target import target_of
from gome_graph.records import BudgetStage, TargetKind

BOOSTING: tuple[ModelKind, ...] = ("lightgbm", "catboost", "hist_gradient_boosting", "xgboost")
FORESTS: tuple[ModelKind, ...] = ("extra_trees", "random_forest")
TEXT_MODELS: tuple[ModelKind, ...] = ("nb_svm", "tfidf_linear", "naive_bayes")
SCALED: tuple[ModelKind, ...] = ("linear", "knn", "svm", "gaussian_process", "mlp", "lda", "nystroem", "tabular_net")
"""Models that care about the shape and scale of numbers."""

KNOBS: dict[ModelKind, dict[str, str]] = {
    "lightgbm": {"rate": "learning_rate", "rounds": "n_estimators", "leaves": "num_leaves", "leaf_rows": "min_child_samples",
                 "l2": "reg_lambda", "columns": "colsample_bytree"},
    "catboost": {"rate": "learning_rate", "rounds": "iterations", "depth": "depth", "l2": "l2_leaf_reg"},
    "hist_gradient_boosting": {"rate": "learning_rate", "rounds": "max_iter", "leaves": "max_leaf_nodes", "leaf_rows": "min_samples_leaf",
                               "l2": "l2_regularization"},
    "xgboost": {"rate": "learning_rate", "rounds": "n_estimators", "depth": "max_depth", "leaf_rows": "min_child_weight",
                "l2": "reg_lambda", "columns": "colsample_bytree"},
}  # fmt: skip
"""One name for what the boosting libraries call differently."""

LATE = {BudgetStage.DRAFT: 0.5, BudgetStage.ENSEMBLE: 1.8}
"""Stage weights of what belongs to the end of a run."""
EARLY = {BudgetStage.DRAFT: 1.3, BudgetStage.ENSEMBLE: 0.7}
"""Stage weights of what belongs to its beginning."""

SHORT: dict[ModelKind, str] = {
    "lightgbm": "LightGBM", "catboost": "CatBoost", "hist_gradient_boosting": "histogram gradient boosting", "extra_trees": "extra trees",
    "random_forest": "a random forest", "linear": "a linear model", "knn": "nearest neighbours", "svm": "a support vector machine",
    "gaussian_process": "a Gaussian process", "mlp": "a small neural network", "nb_svm": "NB-SVM", "tfidf_linear": "TF-IDF + linear",
    "naive_bayes": "naive Bayes", "lda": "discriminant analysis", "xgboost": "XGBoost",
    "nystroem": "a kernel model on landmarks", "tabular_net": "a network on periodic embeddings",
    "picture_net": "a convolutional network on the pictures",
}  # fmt: skip


def learns_classes(context: TechniqueContext) -> bool:
    """True if the recipe's models are classifiers (grades can be learnt either way)."""
    return not target_of(context.task, context.recipe).regression


def effective(member: Member, context: TechniqueContext) -> dict[str, Any]:
    """The estimator settings that the writer will use: its defaults for this task, and the member's own on top."""
    many = context.target in (TargetKind.MULTICLASS, TargetKind.ORDINAL)
    classes = 0 if not learns_classes(context) else len(context.profile.target.classes) if many else 2
    made = estimator(member, classes=classes, rows=context.profile.rows, metric=context.task.metric, balanced=False,
                     columns=len(context.profile.columns))  # fmt: skip
    return made.params


def setting(member: Member, knob: str, context: TechniqueContext) -> Any:
    """The value of a boosting knob (see `KNOBS`) that the writer will use; None if the model has no such knob."""
    key = KNOBS.get(member.model, {}).get(knob)
    return None if key is None else effective(member, context).get(key)


def turned(recipe: Recipe, member: Member, **knobs: Any) -> Recipe:
    """A copy with boosting knobs changed; knobs the model does not have are left out."""
    names = KNOBS[member.model]
    return recipe.with_params(member.name, **{names[knob]: value for knob, value in knobs.items() if knob in names})


def boosted(context: TechniqueContext) -> list[Member]:
    """Members that boost trees."""
    return [m for m in context.members if m.model in BOOSTING]


def reads_text(context: TechniqueContext, member: Member) -> bool:
    """True if the member sees text columns."""
    return bool(context.text_columns) and member.inputs != "tabular"


def reads_tables(context: TechniqueContext, member: Member) -> bool:
    """True if the member sees columns other than text."""
    return context.has_tables and member.inputs != "text" and member.model not in TEXT_MODELS


def fresh_name(recipe: Recipe, wanted: str) -> str:
    """`wanted`, or `wanted` with a number, such that no member is called so."""
    names = {m.name for m in recipe.members}
    if wanted not in names:
        return wanted
    return next(f"{wanted}_{n}" for n in range(2, len(names) + 3) if f"{wanted}_{n}" not in names)


def added(recipe: Recipe, member: Member, blend: Blend = "greedy") -> Recipe:
    """A copy with one more member, blended; members that were carried along without counting (``single``) are left behind."""
    keep = recipe.members[:1] if recipe.blend == "single" else recipe.members
    kept = recipe.model_copy(update={"members": list(keep)})
    mode: Blend = blend if recipe.blend in ("single", "mean") else recipe.blend
    return kept.with_member(member, blend=mode)


def feature_variant(
    recipe: Recipe, kind: Any, columns: Iterable[str], title: str, *, gain: float | None = None, success: float | None = None, **params: Any
) -> Variant:
    """A variant with one more feature step."""
    names = list(columns)
    return Variant(recipe.with_feature(kind, names, **params), title, {"kind": kind, "columns": names, **params}, gain, success)


def listed(names: Iterable[str], limit: int = 3) -> str:
    """``a, b and 4 more``: names for titles, always the same for the same names."""
    all_names = list(names)
    if len(all_names) <= limit:
        return ", ".join(all_names)
    return f"{', '.join(all_names[:limit])} and {len(all_names) - limit} more"
