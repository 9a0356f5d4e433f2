"""Symptom ``single_model``: nothing is blended yet."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, script_of, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

BLENDS = ("VotingClassifier", "VotingRegressor", "StackingClassifier", "StackingRegressor")


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.25 + 0.05 for each earlier accepted step, up to 0.5: blending pays more once the single model is good."""
    if pack.score is None:
        return
    models = {fold.model for fold in pack.folds if fold.model}
    script = script_of(data)
    if len(models) > 1 or len(pack.weights) > 1 or script.mentions(*BLENDS) or (not models and len(script.models) != 1):
        return
    name = next(iter(models or script.models))
    accepted = sum(step.outcome == "accepted" for step in pack.history)
    yield Finding(
        symptom="single_model", component=Component.ENSEMBLE, severity=unit(min(0.5, 0.25 + 0.05 * accepted)),
        summary=f"One model ({name}) makes every prediction",
        evidence=[*(evidence(pack, "folds.0.model") or evidence(pack, "score.value"))],
        direction="add a model of another family and blend them by out-of-fold weights",
    )  # fmt: skip
