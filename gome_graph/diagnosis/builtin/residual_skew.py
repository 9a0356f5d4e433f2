"""Symptom ``residual_skew``: the bulk of the residuals leans to one side."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_SKEW = 0.75
MIN_NOISE = 5.0
"""In standard errors of a sample skewness, root of 6 / rows."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = |skew| / 2 of the residuals without their outliers (see `ResidualFacts`)."""
    shape = pack.residuals
    if shape is None or pack.score is None:
        return
    if abs(shape.skew) < max(MIN_SKEW, MIN_NOISE * (6.0 / max(1, pack.score.rows)) ** 0.5):
        return
    side = "above" if shape.skew > 0 else "below"
    yield Finding(
        symptom="residual_skew", component=Component.TRAINING, severity=unit(abs(shape.skew) / 2),
        summary=f"Residuals lean: skewness {shape.skew:.2f}, the long tail {side} the prediction "
        f"(|residual| and prediction correlate by {shape.trend:.2f})",
        evidence=[*evidence(pack, "residuals.skew"), *evidence(pack, "residuals.trend")],
        direction="transform the target (log, Yeo-Johnson) or use a loss that fits its shape",
        columns=list(pack.profile.target.columns),
    )  # fmt: skip
