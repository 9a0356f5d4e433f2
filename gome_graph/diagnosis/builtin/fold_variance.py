"""Symptom ``fold_variance``: the folds differ more than their size explains."""

import statistics
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, noise, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_RATIO = 2.0
"""Chi-square with 4 degrees of freedom exceeds 4 x 4 in 3 of 1,000 cases."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = (ratio - 1) / 4, where ratio = spread of the fold scores / what row noise alone gives (standard error x root of folds)."""
    if pack.score is None or len(pack.score.by_fold) < 3 or noise(pack) <= 0:
        return
    spread = statistics.stdev(pack.score.by_fold)
    expected = noise(pack) * len(pack.score.by_fold) ** 0.5
    ratio = spread / expected
    if ratio < MIN_RATIO:
        return
    yield Finding(
        symptom="fold_variance", component=Component.TRAINING, severity=unit((ratio - 1) / 4),
        summary=f"Fold scores spread by {spread:.3g}, {ratio:.1f} times what the rows' noise explains "
        f"(from {min(pack.score.by_fold):.4g} to {max(pack.score.by_fold):.4g})",
        evidence=[*evidence(pack, "score.by_fold"), *evidence(pack, "score.standard_error")],
        direction="steadier training: average over seeds, stronger regularisation; look for groups or time that the folds separate",
    )  # fmt: skip
