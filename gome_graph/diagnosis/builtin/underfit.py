"""Symptom ``underfit``: the inputs still predict the errors, or the model does no better on its own rows than on others."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, evidence, gap_share, gaps, headroom, noise, sign, unit, used
from gome_graph.diagnosis.codes import column_codes
from gome_graph.diagnosis.signal import Signal, column_signals, pair_signals, signed_residuals, timidity
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_Z = 6.0
"""For the strongest of some tens of columns and pairs: well beyond what chance and uneven variance give."""
MIN_SHARE = 0.005
SMALL_GAP = 0.1
MAX_GAP = 0.5
"""A model that loses half of its gain on held-out rows is not short of capacity, whatever its residuals show."""
LOW_PROGRESS = 0.6


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 6 x the share of residual variance that one column, one pair or the prediction itself explains, and at least 0.1;
    without probabilities to look at, half of the distance that the training score itself leaves to a perfect one."""
    if pack.score is None or data is None:
        return
    reported = gaps(pack)
    worst = max((gap_share(pack, train, valid) for train, valid, _ in reported.values()), default=None)
    if worst is not None and worst >= MAX_GAP:
        return
    residuals = signed_residuals(data)
    if residuals is None:
        yield from _from_scores(pack, reported)
        return
    codes = column_codes(data.frame, pack.profile)
    inputs = [column.name for column in used(pack)]
    first = sorted(inputs, key=lambda name: -pack.importance.get(name, 0.0))
    kept = set(inputs)
    signals = [s for s in column_signals(residuals, codes) if s.columns[0] in kept]
    signals += pair_signals(residuals, codes, first[:8])
    signals.append(timidity(data, residuals))
    strong = [s for s in signals if s.z >= MIN_Z and s.share >= MIN_SHARE]
    if not strong:
        return
    best = max(strong, key=lambda s: s.share)
    names = list(best.columns)
    if not names:
        yield _timid(pack, best)
        return
    yield Finding(
        symptom="underfit", component=Component.MODEL, severity=unit(max(0.1, 6 * best.share)),
        summary=f"{' with '.join(repr(n) for n in names)} alone still explains {best.share:.1%} of the held-out errors' variance "
        f"(z = {best.z:.0f}): the model misses structure that is in its inputs",
        evidence=[*evidence(pack, "score.value"), *column_evidence(pack, names, "name", "its groups differ in mean error"),
                  *evidence(pack, "folds.0.train_score", "fitted rows")],
        direction="more capacity: boosted trees, interactions, non-linear terms, more rounds, weaker penalties",
        columns=list(dict.fromkeys(names)),
    )  # fmt: skip


def _timid(pack: DiagnosticPack, best: Signal) -> Finding:
    return Finding(
        symptom="underfit", component=Component.MODEL, severity=unit(max(0.1, 6 * best.share)),
        summary=f"Held-out errors grow with the prediction itself, which explains {best.share:.1%} of their variance (z = {best.z:.0f}): "
        "predictions are drawn too far to the mean",
        evidence=[*evidence(pack, "score.value"), *evidence(pack, "calibration.error"), *evidence(pack, "residuals.std")],
        direction="weaker penalties, more rounds or a higher learning rate, more capacity",
    )  # fmt: skip


def _from_scores(pack: DiagnosticPack, reported: dict[str, tuple[float, float, list]]) -> Iterable[Finding]:  # type: ignore[type-arg]
    room = headroom(pack)
    if not reported or room is None or pack.trivial_score is None:
        return
    model, (train, valid, folds) = max(reported.items(), key=lambda item: sign(pack) * item[1][1])
    progress = sign(pack) * (train - pack.trivial_score) / room
    if progress >= LOW_PROGRESS or (gap_share(pack, train, valid) > SMALL_GAP and sign(pack) * (train - valid) > 2 * noise(pack)):
        return
    yield Finding(
        symptom="underfit", component=Component.MODEL, severity=unit((1 - progress) / 2),
        summary=f"{model or 'The best model'} scores no better on its own rows ({train:.4g}) than on held-out ones ({valid:.4g}), "
        f"{progress:.0%} of the way from a constant to a perfect prediction",
        evidence=[*evidence(pack, f"folds.{pack.folds.index(folds[0])}.train_score"), *evidence(pack, "trivial_score"),
                  *evidence(pack, "score.value")],
        direction="more capacity: boosted trees, interactions, non-linear terms, more rounds, weaker penalties",
    )  # fmt: skip
