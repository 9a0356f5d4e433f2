"""The target: what a regression model is fitted on."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.recipe import Recipe, TargetTransform
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.records import BudgetStage, Component, TargetKind

LOG_METRICS = ("rmsle", "rmse_log")
"""Metrics on the log scale, their column-wise means included."""
SKEWED = 1.0
LOGS = ("log", "log1p")


def _transform(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    target = context.profile.target
    logs = context.task.metric.startswith(LOG_METRICS)
    # errors that grow with the prediction are even on a scale that grows less
    grows = (
        bool(context.severity("heteroscedastic"))
        and context.pack is not None
        and any(not s.column and s.rising > 0 for s in context.pack.spread)
    )
    skewed = target.skew > SKEWED or grows
    found = []
    options: list[tuple[TargetTransform, str, bool, float]] = [
        ("log1p", "Fit the log of the target", target.nonnegative and (logs or skewed), 0.85 if logs else 0.35),
        ("sqrt", "Fit the square root of the target", target.nonnegative and not logs and skewed, 0.3),
        ("rank", "Fit normal scores of the target", not logs and context.task.metric in ("spearman", "pearson"), 0.3),
        ("none", "Fit the target as it is", not logs and recipe.target_transform != "none", 0.25),
    ]
    for transform, title, sensible, success in options:
        same = logs and recipe.target_transform in LOGS and transform in LOGS
        if sensible and recipe.target_transform != transform and not same:
            changed = recipe.model_copy(update={"target_transform": transform})
            found.append(Variant(changed, title, {"transform": transform}, 6.0 if logs else None, success))
    return found


def _clip(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    options = [(0.0, 0.99), (0.005, 0.995)]
    return [
        Variant(recipe.model_copy(update={"target_clip": (low, high)}), f"Clip the training target at quantiles {low:g} and {high:g}",
                {"low": low, "high": high})
        for low, high in options
        if recipe.target_clip != (low, high)
    ]  # fmt: skip


def _numbers(context: TechniqueContext) -> bool:
    return context.target in (TargetKind.REGRESSION, TargetKind.MULTI_REGRESSION)


TECHNIQUES = [
    Technique(
        name="target_transform",
        title="Transform the target",
        component=Component.DATA,
        change=_transform,
        applies=_numbers,
        rationale="Fitted on the scale on which it is judged, or on a less skewed one, the model spends its effort where the metric looks.",
        direction="fit on the judged scale",
        falsifier="the residuals are as skewed as before, or the score falls",
        answers={"skewed_target": 1.0, "residual_skew": 0.7, "residual_outliers": 0.4, "heteroscedastic": 0.8, "biased": 0.6},
        prior_gain=2.5,
        prior_success=0.35,
        stages={BudgetStage.DRAFT: 1.3},
        source="Box & Cox 1964, An analysis of transformations",
    ),
    Technique(
        name="target_clip",
        title="Clip outlying targets for fitting",
        component=Component.DATA,
        change=_clip,
        applies=_numbers,
        rationale="A handful of outlying targets can carry most of the squared loss; clipped for fitting, they stop bending the rest.",
        direction="limit the leverage of outlying targets",
        falsifier="outlying rows carry as much of the loss as before",
        answers={"residual_outliers": 0.9, "residual_skew": 0.4},
        prior_gain=1.0,
        prior_success=0.25,
        challenge=True,
    ),
]
