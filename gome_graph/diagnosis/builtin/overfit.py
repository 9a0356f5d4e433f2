"""Symptom ``overfit``: much of what the model gains on its own rows is lost on held-out rows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, gap_share, gaps, interpolates, lift, noise, sign, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_SHARE = 0.25
MIN_NOISE = 3.0


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = lost share of the gain over the trivial predictor, halved for models that fit their rows exactly by construction."""
    found = []
    for model, (train, valid, folds) in gaps(pack).items():
        gap, share = sign(pack) * (train - valid), gap_share(pack, train, valid)
        if share >= MIN_SHARE and gap > MIN_NOISE * noise(pack):
            found.append((share * (0.5 if interpolates(model) else 1.0), model, train, valid, folds))
    if not found:
        return
    severity, model, train, valid, folds = max(found, key=lambda item: item[0])
    first = pack.folds.index(folds[0])
    above = lift(pack)
    yield Finding(
        symptom="overfit", component=Component.TRAINING, severity=unit(severity),
        summary=f"{model or 'The model'} scores {train:.4g} on the rows it was fitted on and {valid:.4g} on held-out rows "
        f"(mean of {len(folds)} folds)" + (f"; only {above:.3g} above a constant prediction" if above is not None else ""),
        evidence=[
            *evidence(pack, f"folds.{first}.train_score", "fitted rows"), *evidence(pack, f"folds.{first}.valid_score", "held-out rows"),
            *evidence(pack, "score.standard_error", "noise"),
        ],
        direction="regularise: smaller or fewer trees, stronger penalties, early stopping, fewer or less leaky features",
    )  # fmt: skip
