"""Symptom ``biased``: predictions lean to one side although the metric wants means."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, script_of, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

SQUARED = frozenset({"mse", "rmse", "r2", "rmsle", "rmse_log"})
"""Metrics that means serve (of logs, for the last two)."""
PROPER = frozenset({"log_loss", "brier"})
MIN_LEAN = 0.05
"""Mean residual in standard deviations: costs about 0.1 % of the mean squared error, 0.2 costs 4 %."""
MIN_STATED = 0.02
"""Mean stated probability minus share."""
MIN_Z = 5.0


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 2.5 x the mean residual in standard deviations (0.2 too low on average is 0.5), or 6 x the lean of probabilities."""
    if pack.score is None:
        return
    shape, calibration = pack.residuals, pack.calibration
    if shape is not None and pack.score.metric in SQUARED and shape.std > 0 and len(pack.profile.target.columns) == 1:
        lean = shape.mean / shape.std
        if abs(lean) < MIN_LEAN or abs(lean) * pack.score.rows**0.5 < MIN_Z:
            return
        script = script_of(data)
        back = script.mentions("expm1", "exp", "inverse_func", "square") and not pack.score.metric.startswith(("rmsle", "rmse_log"))
        yield Finding(
            symptom="biased", component=Component.TRAINING, severity=unit(min(0.8, 2.5 * abs(lean))),
            summary=f"Predictions lie {abs(lean):.2f} standard deviations of the error too {'low' if lean > 0 else 'high'} on average, and "
            f"{pack.score.metric} wants means" + ("; the mean of logs, taken back, lies below the mean" if back and lean > 0 else ""),
            evidence=[*evidence(pack, "residuals.mean"), *evidence(pack, "residuals.std"), *evidence(pack, "residuals.above")],
            direction="fit the scale that is judged, with squared error" if back else "squared error as the loss, no clipped target",
            columns=list(pack.profile.target.columns),
        )  # fmt: skip
    elif calibration is not None and pack.score.metric in PROPER:
        if abs(calibration.lean) < MIN_STATED or calibration.lean_z < MIN_Z:
            return
        yield Finding(
            symptom="biased", component=Component.TRAINING, severity=unit(min(0.8, 6 * abs(calibration.lean))),
            summary=f"The mean stated probability of {calibration.lean_class!r} lies {abs(calibration.lean):.3f} "
            f"{'above' if calibration.lean > 0 else 'below'} its share: class weights, resampling or a shifted cut, it seems",
            evidence=[*evidence(pack, "calibration.lean"), *evidence(pack, "calibration.lean_z")],
            direction="no class weights and no resampling where probabilities are judged, or calibrate them back",
            columns=list(pack.profile.target.columns),
        )  # fmt: skip
