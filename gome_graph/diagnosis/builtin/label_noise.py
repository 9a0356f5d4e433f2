"""Symptom ``label_noise``: labels look wrong at random, however sure the model is."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, listed, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_CLASSES = 2
"""One class alone with such errors is more often a subgroup that the inputs do not show."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 3 x the error rate among the surest rows, up to 0.7: it bounds what can be reached, and hurts flexible models."""
    facts = pack.label_noise
    if facts is None or len(facts.classes) < MIN_CLASSES:
        return
    yield Finding(
        symptom="label_noise", component=Component.DATA, severity=unit(min(0.7, 3 * facts.floor)),
        summary=f"{facts.floor:.1%} of the surest predictions contradict their labels, hardly fewer than among less sure ones "
        f"({facts.next:.1%}), for {listed(facts.classes)}; {facts.suspects:.1%} of all labels are suspect",
        evidence=[*evidence(pack, "label_noise.floor"), *evidence(pack, "label_noise.next"), *evidence(pack, "label_noise.suspects")],
        direction="models that cannot follow single rows: stronger regularisation, larger leaves, bagging, earlier stopping",
    )  # fmt: skip
