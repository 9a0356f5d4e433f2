"""Symptom ``single_seed``: steps differ by less than the noise, and one seed makes the prediction."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, script_of, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

SMALL = 1.0
"""Gains below one noise unit."""
RECENT = 3
SEEDED = ("random_state", "seed", "random_seed", "data_random_seed", "bagging_seed")
SEVERAL = ("seeds", "SEEDS", "n_seeds", "N_SEEDS", "seed_offset", "repeats", "BaggingClassifier", "BaggingRegressor")


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.2 + 0.1 for each of the last three scored steps whose gain is below one noise unit (two at least)."""
    script = script_of(data)
    if pack.score is None or not script.mentions(*SEEDED) or script.mentions(*SEVERAL):
        return
    gains = [step.gain_in_noise for step in pack.history if step.gain_in_noise is not None][-RECENT:]
    small = sum(abs(gain) < SMALL for gain in gains)
    if small < 2:
        return
    yield Finding(
        symptom="single_seed", component=Component.ENSEMBLE, severity=unit(0.2 + 0.1 * small),
        summary=f"{small} of the last {len(gains)} changes moved the score by less than its noise, and one seed makes the prediction",
        evidence=[
            *(e for i, step in enumerate(pack.history) if step.gain_in_noise is not None and i >= len(pack.history) - RECENT
              for e in evidence(pack, f"history.{i}.gain_in_noise")),
            *evidence(pack, "score.by_fold"),
        ],
        direction="average the model over several seeds",
    )  # fmt: skip
