"""Symptom ``low_signal``: hardly better than a constant."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, headroom, lift, noise, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_NOISE = 3.0
MIN_PROGRESS = 0.02


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 1 - lift / (3 standard errors), or 1 - progress / 0.02 where that is more (progress = share of the way from the best
    constant prediction to a perfect one), at least 0.3."""
    above, room = lift(pack), headroom(pack)
    if above is None or pack.score is None:
        return
    in_noise = above / noise(pack) if noise(pack) > 0 else (MIN_NOISE if above > 0 else 0.0)
    progress = above / room if room else 1.0
    if in_noise >= MIN_NOISE and progress >= MIN_PROGRESS:
        return
    yield Finding(
        symptom="low_signal", component=Component.FEATURES, severity=unit(max(0.3, 1 - in_noise / MIN_NOISE, 1 - progress / MIN_PROGRESS)),
        summary=f"{pack.score.metric} {pack.score.value:.4g} against {pack.trivial_score:.4g} for a constant prediction: "
        f"{in_noise:.1f} standard errors, {progress:.1%} of the way to a perfect one",
        evidence=[*evidence(pack, "trivial_score"), *evidence(pack, "score.value"), *evidence(pack, "score.standard_error")],
        direction="use what is left aside (text, dates, compound strings), check that rows and labels match, try another family",
    )  # fmt: skip
