"""Symptom ``weak_ensemble``: one member carries the blend."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, listed, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

CARRIES = 0.9


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 5 x (largest weight - 0.9), at least 0.3."""
    if len(pack.weights) < 2:
        return
    top = max(pack.weights, key=lambda name: pack.weights[name])
    weight = pack.weights[top]
    if weight < CARRIES:
        return
    yield Finding(
        symptom="weak_ensemble", component=Component.ENSEMBLE, severity=unit(max(0.3, 5 * (weight - CARRIES))),
        summary=f"{top!r} carries {weight:.0%} of the blend; {listed([n for n in pack.weights if n != top])} add next to nothing",
        evidence=evidence(pack, "weights"),
        direction="replace the idle members by models that err differently (other family, other features)",
    )  # fmt: skip
