"""How alike the members of a blend are."""

from typing import TYPE_CHECKING

from gome_graph.diagnosis.signal import explained_to_error
from gome_graph.records import AgreementFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured


def agreement_facts(reported: dict[tuple[str, str], float], data: "Measured | None") -> list[AgreementFacts]:
    """Pairs with the correlation of their predictions (as reported) and of their errors, least alike first.

    For two members of about equal quality, ``var(a - b) = 2 (1 - r) var(prediction) = 2 (1 - s) var(error)``: the correlation s of the
    errors follows from r and the measured variances of the blend's predictions and residuals. Where most of the target is explained, r is
    near 1 for any two good models and s tells them apart; where little is, s is near 1 and r does.
    """
    ratio = explained_to_error(data) if data is not None else None
    if ratio is None:
        return []
    facts = [AgreementFacts(members=pair, predictions=r, errors=max(-1.0, 1.0 - (1.0 - r) * ratio)) for pair, r in sorted(reported.items())]
    return sorted(facts, key=lambda fact: min(fact.predictions, fact.errors))
