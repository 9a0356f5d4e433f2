"""What reasoners share in weighing challenges and hypotheses (gome.md, "Diagnosis" and "Hypotheses" [C])."""

from collections.abc import Iterable

from gome_graph.records import StepSummary, VerdictKind

WEIGHTS = {"alignment": 0.2, "impact": 0.4, "novelty": 0.2, "feasibility": 0.1, "risk_reward": 0.1}
"""gome.md, "Hypotheses" [C]."""
CHALLENGES = 3
"""Challenges a step works on (gome.md, "Diagnosis" [C])."""


def challenge_mix(history: Iterable[StepSummary]) -> tuple[int, int]:
    """How many challenges come from the scenario (task facts) and how many from feedback (findings).

    ``w = (3 accepted + 2 failed) // 2``, ``m = max(0, 3 - w // 4)`` scenario challenges, the rest feedback (gome.md, "Diagnosis" [C]).
    """
    steps = list(history)
    accepted = sum(step.outcome == VerdictKind.ACCEPTED for step in steps)
    w = (3 * accepted + 2 * (len(steps) - accepted)) // 2
    scenario = max(0, CHALLENGES - w // 4)
    return scenario, CHALLENGES - scenario
