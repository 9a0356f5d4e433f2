"""Decisions: from scores to what is submitted."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.recipe import Decision, Recipe
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.estimators import CLASSES_ONLY, TREES
from gome_graph.reasoners.rules.writer.target import CUT_METRICS
from gome_graph.records import Component, TargetKind

CLASS_METRICS = ("f1_macro", "f1_weighted", "balanced_accuracy", "mcc")


def _threshold(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    success = 0.55 if context.task.metric in CUT_METRICS else 0.12
    return _decide(recipe, [("threshold", "Choose the threshold out of fold", success)])


def _class_multipliers(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    success = 0.5 if context.task.metric in CLASS_METRICS else 0.12
    return _decide(recipe, [("class_weights", "Weigh class probabilities before the choice", success)])


def _ordinal(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    if any(m.model in CLASSES_ONLY for m in context.members):
        return []
    return _decide(
        recipe, [("cut_points", "Predict grades by regression and cut points", 0.6), ("expected", "Round the expected grade", 0.4)]
    )


def _range(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    unbounded = any(m.model not in TREES and m.model != "knn" for m in context.members)
    options: list[tuple[Decision, str, float]] = [
        ("clip", "Keep predictions within the range of the training targets", 0.3 if unbounded else 0.08)
    ]
    if context.profile.target.integer and context.task.metric in ("mae", "qwk"):
        options.append(("round", "Round predictions to whole numbers", 0.25))
    return _decide(recipe, options)


def _decide(recipe: Recipe, options: Sequence[tuple[Decision, str, float]]) -> list[Variant]:
    return [
        Variant(recipe.model_copy(update={"decision": decision}), title, {"decision": decision}, success=success)
        for decision, title, success in options
        if recipe.decision != decision
    ]


def _calibrate(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    stacked = recipe.blend == "stack" and len(context.members) > 1  # a stack on log probabilities is a calibration already
    options = ["temperature", "isotonic"] if context.profile.rows >= 1000 else ["temperature"]
    return [
        Variant(recipe.model_copy(update={"calibration": way}), f"Calibrate probabilities ({way})", {"calibration": way},
                success=0.1 if stacked else 0.4 if way == "temperature" else 0.2)
        for way in options
        if recipe.calibration != way
    ]  # fmt: skip


TECHNIQUES = [
    Technique(
        name="threshold",
        title="Choose the threshold out of fold",
        component=Component.WORKFLOW,
        change=_threshold,
        applies=lambda c: c.labels and c.target is TargetKind.BINARY and c.task.metric != "roc_auc",
        rationale="One half is the best cut only for calibrated scores and accuracy; the best cut on other folds serves the metric.",
        direction="the cut that the metric wants",
        falsifier="the chosen cut differs between folds and the metric does not rise",
        answers={"threshold": 0.9, "class_imbalance": 0.6, "miscalibrated": 0.3, "metric_mismatch": 0.4},
        prior_gain=2.5,
        prior_success=0.35,
        source="Lipton et al. 2014, Optimal thresholding of classifiers to maximize F1",
    ),
    Technique(
        name="class_multipliers",
        title="Weigh class probabilities before the choice",
        component=Component.WORKFLOW,
        change=_class_multipliers,
        applies=lambda c: c.labels and c.target is TargetKind.MULTICLASS,
        rationale="A metric that does not count rows equally wants rare classes chosen more often than the largest probability does.",
        direction="choose classes as the metric counts them",
        falsifier="the metric does not rise",
        answers={"class_imbalance": 0.8, "threshold": 0.5, "metric_mismatch": 0.9},
        prior_gain=2.0,
        prior_success=0.3,
    ),
    Technique(
        name="ordinal_cuts",
        title="Predict grades by regression and cut points",
        component=Component.WORKFLOW,
        change=_ordinal,
        applies=lambda c: c.labels and (c.target is TargetKind.ORDINAL or c.task.metric == "qwk"),
        rationale="Grades are judged by distance: an expected grade cut for the metric is nearer than the likeliest class.",
        direction="decide on the scale of the grades",
        falsifier="the metric does not rise",
        answers={"threshold": 0.8, "class_imbalance": 0.5, "metric_mismatch": 1.0},
        prior_gain=5.0,
        prior_success=0.6,
    ),
    Technique(
        name="prediction_range",
        title="Keep predictions within the targets' range",
        component=Component.WORKFLOW,
        change=_range,
        applies=lambda c: c.task.prediction == "number",
        rationale="A linear member can leave the range of everything ever seen; there it is only ever wrong.",
        direction="bounded predictions",
        falsifier="no prediction was out of range",
        answers={"residual_outliers": 0.3},
        prior_gain=0.8,
        prior_success=0.15,
    ),
    Technique(
        name="calibration",
        title="Calibrate probabilities",
        component=Component.WORKFLOW,
        change=_calibrate,
        applies=lambda c: c.probabilities and c.task.metric.startswith("log_loss"),
        rationale="Log loss punishes over-confidence more than anything; one number fitted on the other folds takes it back.",
        direction="probabilities as sure as they are right",
        falsifier="the calibration error does not shrink",
        answers={"miscalibrated": 0.9, "overfit": 0.3, "biased": 0.5, "label_noise": 0.3},
        prior_gain=1.5,
        prior_success=0.3,
        source="Guo et al. 2017, On calibration of modern neural networks",
    ),
]
