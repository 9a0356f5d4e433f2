"""Symptom ``threshold``: the labels are cut from the probabilities at the wrong place."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, noise, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_NOISE = 0.5
"""In standard errors of the score; a paired gain is far less noisy than the score itself."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = cross-fitted gain / 4 standard errors of the score."""
    if pack.best_threshold is None or pack.score is None or noise(pack) <= 0:
        return
    cut, gain = pack.best_threshold
    if gain <= MIN_NOISE * noise(pack):
        return
    yield Finding(
        symptom="threshold", component=Component.TRAINING, severity=unit(gain / (4 * noise(pack))),
        summary=f"Cutting the probabilities at {cut:.2f} would change {pack.score.metric} by {gain:+.4f} (score {pack.score.value:.4f}, "
        f"error {noise(pack):.4f}), thresholds chosen on the other half of the folds",
        evidence=[*evidence(pack, "best_threshold", "threshold, gain"), *evidence(pack, "score.value")],
        direction="choose the threshold on out-of-fold probabilities",
    )  # fmt: skip
