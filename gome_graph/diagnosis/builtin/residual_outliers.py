"""Symptom ``residual_outliers``: few rows carry much of the loss."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_LOSS = 0.3
"""Laplace residuals put about 0.2 of their squared loss beyond four robust deviations, normal ones 0.001."""
MAX_SHARE = 0.1
"""More rows than that are a heavy tail, not outliers."""
ROBUST = frozenset({"mae", "mape", "smape", "pinball"})


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = share of the squared loss in outliers, halved for metrics that do not square."""
    shape = pack.residuals
    if shape is None or pack.score is None or shape.outlier_loss < MIN_LOSS or not 0 < shape.outlier_share <= MAX_SHARE:
        return
    yield Finding(
        symptom="residual_outliers", component=Component.DATA,
        severity=unit(shape.outlier_loss * (0.5 if pack.score.metric in ROBUST else 1.0)),
        summary=f"{shape.outlier_share:.2%} of the rows, beyond four robust deviations, carry {shape.outlier_loss:.0%} of the squared loss",
        evidence=[*evidence(pack, "residuals.outlier_loss"), *evidence(pack, "residuals.outlier_share")],
        direction="a robust loss (Huber, absolute error), clipped targets or predictions, or features that explain the extremes",
        columns=list(pack.profile.target.columns),
    )  # fmt: skip
