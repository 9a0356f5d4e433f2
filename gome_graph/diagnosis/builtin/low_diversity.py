"""Symptom ``low_diversity``: the members of the blend are nearly the same model."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import AgreementFacts, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

ALIKE = 0.97
"""Two seeds of one boosting model agree to about 0.98, two boosting libraries to 0.95, a linear model and boosting to 0.9 or less."""
IDLE = 0.02
"""Members with less weight count for nothing."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.3 at 0.97, 0.6 for the same predictions twice: nothing is left to average. The least alike pair counts."""
    counted = {name for name, weight in pack.weights.items() if weight > IDLE}
    pairs = [(i, fact) for i, fact in enumerate(pack.agreement) if not pack.weights or counted.issuperset(fact.members)]
    if not pairs:
        return
    index, loosest = min(pairs, key=lambda pair: alike(pair[1]))
    if alike(loosest) < ALIKE:
        return
    names = sorted({name for _, fact in pairs for name in fact.members})
    yield Finding(
        symptom="low_diversity", component=Component.ENSEMBLE, severity=unit(0.3 + 0.3 * (alike(loosest) - ALIKE) / (1 - ALIKE)),
        summary=f"{len(names)} members ({', '.join(names[:4])}) say nearly the same: even the least alike pair agrees to "
        f"{loosest.predictions:.3f} (errors: {loosest.errors:.3f})",
        evidence=[*evidence(pack, f"agreement.{index}.predictions"), *evidence(pack, f"agreement.{index}.errors")],
        direction="add a member of another family or with other inputs; further settings of the same one add nothing",
    )  # fmt: skip


def alike(fact: AgreementFacts) -> float:
    """The smaller of both correlations: see `gome_graph.diagnosis.members`."""
    return min(fact.predictions, fact.errors)
