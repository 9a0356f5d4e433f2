"""Symptom ``early_stopping_capped``: boosting ran into its cap on rounds while it still improved."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, script_of, unit
from gome_graph.diagnosis.builtin.unconverged import SOLVERS
from gome_graph.records import Component, DiagnosticPack, Finding, FoldFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured

NEAR = 0.98
MIN_SHARE = 0.5
STOPPERS = ("early_stopping", "early_stopping_rounds", "early_stopping_round", "od_wait", "od_type", "use_best_model", "n_iter_no_change")


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.6 x the share of a model's fits at the cap. Only where the script stops early at all: without that, every fit ends
    at its cap and this says nothing."""
    script = script_of(data)
    if not (script.mentions(*STOPPERS) or not script.strings.isdisjoint(STOPPERS)):
        return
    models: dict[str, list[FoldFacts]] = {}
    for fold in pack.folds:
        if fold.iterations and fold.max_iterations and not any(part in fold.model.lower() for part in SOLVERS):
            models.setdefault(fold.model, []).append(fold)
    worst: tuple[float, str, list[FoldFacts]] | None = None
    for model, folds in models.items():
        capped = [f for f in folds if (f.iterations or 0) >= NEAR * (f.max_iterations or 0)]
        share = len(capped) / len(folds)
        if share >= MIN_SHARE and (worst is None or share > worst[0]):
            worst = share, model, capped
    if worst is None:
        return
    share, model, capped = worst
    first = pack.folds.index(capped[0])
    yield Finding(
        symptom="early_stopping_capped", component=Component.TRAINING, severity=unit(0.6 * share),
        summary=f"{model or 'The model'} reached its cap of {capped[0].max_iterations} rounds in {share:.0%} of its fits",
        evidence=[*evidence(pack, f"folds.{first}.iterations"), *evidence(pack, f"folds.{first}.max_iterations")],
        direction="more rounds, or a higher learning rate",
    )  # fmt: skip
