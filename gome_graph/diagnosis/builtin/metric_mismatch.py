"""Symptom ``metric_mismatch``: what the script optimises or submits is not what the metric asks for.

The metric on the log scale has a symptom of its own (``skewed_target``), the cut of a binary label too (``threshold``), as has the
calibration of probabilities (``miscalibrated``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, noise, script_of, unit
from gome_graph.diagnosis.script import ScriptFacts
from gome_graph.records import Component, DiagnosticPack, Evidence, Finding, TargetKind

if TYPE_CHECKING:
    from gome_graph.task import Measured

WANTS_PROBABILITIES = frozenset({"roc_auc", "roc_auc_ovr", "average_precision", "log_loss", "log_loss_balanced", "brier"})
ABSOLUTE = frozenset({"mae", "mape", "smape"})
"""Metrics that medians serve, not means."""
ABSOLUTE_NAMES = ("QuantileRegressor", "HuberRegressor", "median", "nanmedian", "L1Loss", "SmoothL1Loss")
ABSOLUTE_OBJECTIVES = frozenset(
    {"mae", "MAE", "l1", "L1", "regression_l1", "mean_absolute_error", "absolute_error", "huber", "quantile", "mape", "MAPE", "fair",
     "reg:absoluteerror", "reg:pseudohubererror", "Huber:delta=1.0", "epsilon_insensitive"}
)  # fmt: skip
GRADE_NAMES = ("cut_points", "cuts", "OptimizedRounder", "OrdinalEncoder", "mord", "round", "rint", "digitize", "searchsorted")
MIN_GAIN = 1.0
"""Gain of another decision in standard errors of the score; a paired gain is far less noisy than the score itself."""
MIN_OFF = 0.04
"""Distance of the share of rows above the prediction from one half: that much costs about a percent of the absolute error."""
MIN_Z = 5.0
UNMEASURED = 0.35
"""Severity of a mismatch that is read from the script alone."""
RULES = {
    "argmax": "the likeliest class",
    "prior_corrected": "the class with the largest ratio to its share",
    "cut_grades": "grades by cutting the mean grade at their shares",
}


@dataclass(frozen=True)
class _Cause:
    severity: float
    summary: str
    direction: str
    evidence: list[Evidence]


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity by cause, the worst one is told: 0.9 for labels in the place of probabilities; measured gain / 4 standard errors of the
    score for decisions; 5 x the lean for means in the place of medians; 0.35 for what only the script shows."""
    if pack.score is None or data is None or data.prediction is None:
        return
    script = script_of(data)
    causes = [*_labels_for_probabilities(pack), *_decisions(pack), *_medians(pack, script), *_grades(pack, script)]
    if not causes:
        return
    worst = max(causes, key=lambda cause: cause.severity)
    yield Finding(
        symptom="metric_mismatch", component=Component.TRAINING, severity=unit(worst.severity), summary=worst.summary,
        evidence=[*worst.evidence, *evidence(pack, "score.metric")], direction=worst.direction, columns=list(pack.profile.target.columns),
    )  # fmt: skip


def _labels_for_probabilities(pack: DiagnosticPack) -> Iterable[_Cause]:
    if pack.score is not None and pack.score.metric in WANTS_PROBABILITIES and pack.distinct_predictions == 2:
        yield _Cause(
            0.9, f"{pack.score.metric} ranks or weighs probabilities, and the submission holds two distinct values: labels, it seems",
            "submit probabilities (predict_proba), not labels", evidence(pack, "distinct_predictions", "counted up to 3"),
        )  # fmt: skip


def _decisions(pack: DiagnosticPack) -> Iterable[_Cause]:
    error = noise(pack)
    for rule, gain in pack.decisions.items():
        if error > 0 and gain > MIN_GAIN * error and pack.score is not None:
            yield _Cause(
                gain / (4 * error), f"Choosing {RULES.get(rule, rule)} from the same probabilities would change {pack.score.metric} by "
                f"{gain:+.4f} (score {pack.score.value:.4f}, error {error:.4f})", f"choose {RULES.get(rule, rule)}",
                evidence(pack, f"decisions.{rule}"),
            )  # fmt: skip


def _medians(pack: DiagnosticPack, script: ScriptFacts) -> Iterable[_Cause]:
    shape = pack.residuals
    if pack.score is None or shape is None or pack.score.metric not in ABSOLUTE:
        return
    told = script.mentions(*ABSOLUTE_NAMES) or not script.strings.isdisjoint(ABSOLUTE_OBJECTIVES)
    off = shape.above - 0.5
    z = abs(off) * 2 * max(1, pack.score.rows) ** 0.5
    direction = "fit medians (absolute error) instead of means"
    if pack.score.metric == "mae" and abs(off) >= MIN_OFF and z >= MIN_Z:
        yield _Cause(
            min(0.8, 0.2 + 5 * abs(off)), f"Only {min(shape.above, 1 - shape.above):.0%} of the rows lie {'above' if off < 0 else 'below'} "
            f"their prediction: {pack.score.metric} wants the median, one half each side", direction, evidence(pack, "residuals.above"),
        )  # fmt: skip
    elif pack.score.metric != "mae" and script.parsed and script.models and not told:
        yield _Cause(UNMEASURED, f"{pack.score.metric} punishes absolute errors and the script fits squared ones", direction,
                     evidence(pack, "residuals.above"))  # fmt: skip


def _grades(pack: DiagnosticPack, script: ScriptFacts) -> Iterable[_Cause]:
    """Grades chosen as if they were names; told from the script where no probabilities were saved."""
    if pack.score is None or pack.score.metric != "qwk" or pack.decisions or not script.parsed:
        return
    if pack.profile.target.kind not in (TargetKind.ORDINAL, TargetKind.MULTICLASS) or script.mentions(*GRADE_NAMES):
        return
    if script.models and all("Classifier" in name or "Logistic" in name for name in script.models):
        yield _Cause(UNMEASURED, "Grades are judged by their distance and the script chooses the likeliest one as if they were names",
                     "predict grades by regression and cut points", [])  # fmt: skip
