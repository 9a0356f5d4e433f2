"""Symptom ``miscalibrated``: stated probabilities are not what happens, and the metric minds."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, noise, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MINDS = frozenset({"log_loss", "brier", "brier_score"})
MIN_EXCESS = 0.015
"""Calibration error beyond what perfectly calibrated probabilities show on so few rows."""
MIN_GAIN = 0.5
"""What a temperature saves, in standard errors of the score; a paired gain is far less noisy than the score itself."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 8 x (calibration error - what chance gives), 0.05 too much is 0.4; or the log loss that one temperature saves,
    cross-fitted, / 4 standard errors of the score, if that is more (it sees what the bins hide: the ends, and all classes at once)."""
    facts = pack.calibration
    if facts is None or pack.score is None or pack.score.metric not in MINDS:
        return
    excess = facts.error - _by_chance(facts.bins)
    saved = facts.gain if facts.gain is not None and pack.score.metric == "log_loss" and facts.gain > MIN_GAIN * noise(pack) else 0.0
    if excess < MIN_EXCESS and saved <= 0:
        return
    top = len(pack.profile.target.classes) > 2  # probabilities of the likeliest class: sure means high; else sure means far from one half
    lean = sum(rows * (stated - seen) * (1 if top or stated >= 0.5 else -1) for stated, seen, rows in facts.bins)
    sure = lean > 0 if saved <= 0 or facts.temperature is None else facts.temperature > 1
    yield Finding(
        symptom="miscalibrated", component=Component.TRAINING,
        severity=unit(max(8 * excess if excess >= MIN_EXCESS else 0.0, saved / (4 * noise(pack)) if noise(pack) > 0 else 0.0)),
        summary=f"Stated and observed probabilities differ by {facts.error:.3f} on average ({_by_chance(facts.bins):.3f} by chance): "
        f"the model is {'too sure' if sure else 'not sure enough'}"
        + (f"; a temperature of {facts.temperature:.2f} would save {saved:.4f} of log loss" if saved > 0 and facts.temperature else ""),
        evidence=[*evidence(pack, "calibration.error"), *(evidence(pack, "calibration.gain") if saved > 0 else []),
                   *evidence(pack, "calibration.bins", "stated, observed, rows")],
        direction="calibrate on held-out rows (Platt, isotonic), stronger regularisation, or a blend",
    )  # fmt: skip


def _by_chance(bins: list[tuple[float, float, int]]) -> float:
    """Expected calibration error of perfect probabilities: mean absolute binomial deviation, sqrt(2 p (1-p) / (pi n)) a bin."""
    total = sum(rows for _, _, rows in bins) or 1
    return sum(rows * math.sqrt(0.6366 * max(0.0, p * (1 - p)) / rows) for p, _, rows in bins) / total
