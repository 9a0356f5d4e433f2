"""Which technique next: expected gain per cost, weighted by findings, budget stage, the run's history and momentum.

From gome.md ("Diagnosis", "Hypotheses"), without a model to judge: the mix of scenario and feedback challenges is taken as it is. Of the
hypothesis weights, *alignment* (.2) is the match with the findings, *impact* (.4) the expected gain, *feasibility* (.1) the predicted cost
against the time limit, *risk-reward* (.1) the probability of acceptance times the gain, and *novelty* (.2) the share of the trace's steps
that did not touch the component. They are used as exponents of a weighted geometric mean, so that a hypothesis that is hopeless in one
of them is not carried by the others.
"""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gome_graph.reasoners.rules.combine import COMBINE, near_misses
from gome_graph.reasoners.rules.cost import Cost, affordable, predict_cost
from gome_graph.reasoners.rules.outlook import Outlook
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.keys import composition, counted, member_keys
from gome_graph.reasoners.scoring import CHALLENGES, WEIGHTS, challenge_mix
from gome_graph.records import BudgetStage, Finding, Hypothesis, Momentum, Recalled, Seconds, StepSummary, VerdictKind

log = logging.getLogger(__name__)

PRIOR_STRENGTH = 4.0
"""How many steps' worth of evidence a technique's prior success counts."""
COMPONENT_EVIDENCE = 0.2
"""What a step of another technique of the same component counts as evidence."""
MATCH_EVIDENCE = 1.0
"""Log odds that a full match with the findings adds."""
CONFIDENCE_BOUNDS = (0.03, 0.95)
REPEAT_FACTOR = 0.05
"""What is left of a hypothesis's score once the same one failed on the same task (behaviour 3: proposed again <= 5 %)."""
NEAR_MISS = 0.7
"""Gain in noise units from which a rejected step speaks for its idea: it was not sure enough there, on another solution it may be."""
FAILED_RUN = frozenset({VerdictKind.CRASHED, VerdictKind.TIMED_OUT, VerdictKind.OUT_OF_MEMORY, VerdictKind.LIMIT, VerdictKind.BAD_FORMAT,
                        VerdictKind.MISALIGNED, VerdictKind.LEAKAGE})  # fmt: skip
"""Verdicts of steps that gave no comparable score."""
NO_EVIDENCE = frozenset({VerdictKind.STOPPED, VerdictKind.VETOED})
"""Verdicts that say nothing about the idea."""


@dataclass(frozen=True)
class Candidate:
    """One variant with its hypothesis and what it is worth."""

    technique: Technique
    variant: Variant
    hypothesis: Hypothesis
    score: float
    """Relative worth; only the order matters."""
    probability: float
    """Stated probability that it is accepted."""
    match: float
    """How well it answers the findings, 0 to 1."""


def acceptance(technique: Technique, prior: float, match: float, history: Iterable[StepSummary]) -> float:
    """Probability of acceptance in (0, 1): `prior` as a beta prior, moved by the run's own steps and the match with findings."""
    wins, losses = prior * PRIOR_STRENGTH, (1.0 - prior) * PRIOR_STRENGTH
    for step in history:
        if step.technique is None or step.outcome in NO_EVIDENCE:
            continue
        weight = 1.0 if step.technique == technique.name else COMPONENT_EVIDENCE if step.component == technique.component else 0.0
        if step.outcome == VerdictKind.ACCEPTED:
            wins += weight
        else:
            losses += weight * (2.0 if step.outcome in FAILED_RUN else 1.0)
    odds = wins / losses * math.exp(MATCH_EVIDENCE * match)
    low, high = CONFIDENCE_BOUNDS
    return min(max(odds / (1.0 + odds), low), high)


def rank(techniques: Sequence[Technique], context: TechniqueContext, history: Sequence[StepSummary]) -> list[Candidate]:
    """All variants worth trying now, best first.

    Left out: what this trace has tried (same title), what any trace has scored (the same members, joined and decided alike), and what is
    predicted to need more than `COST_HEADROOM` of the time limit.
    """
    taken = {step.hypothesis for step in history}
    solutions = context.library.solutions if context.library is not None else []
    scored = {composition(theirs) for solution in solutions if (theirs := recipe_of(solution)) is not None}
    scenario, feedback = challenge_mix(history)
    candidates = []
    outlook = Outlook(context)
    offered = [(technique, technique.variants(context)) for technique in techniques]
    offered.append((COMBINE, near_misses({t.name: t for t in techniques}, context, history)))
    for technique, variants in offered:
        match = technique.match(context.findings)
        for place, variant in enumerate(variants):
            title = variant.title or technique.title
            if title in taken:
                continue
            try:
                keys = member_keys(variant.recipe, counted(variant.recipe))
                known = bool(scored) and composition(variant.recipe, keys) in scored
                cost = predict_cost(variant.recipe, context, multiplier=technique.cost, keys=keys)
            except ValueError as error:  # a plugin's technique may offer what cannot be written
                log.warning("technique %r made a recipe that does not hold together: %s", technique.name, error)
                continue
            if known or not affordable(cost, context):
                continue
            prior = outlook.success(variant, variant.success if variant.success is not None else technique.prior_success)
            probability = acceptance(technique, prior, match, history)
            candidates.append(
                _candidate(technique, variant, place, title, match, probability, cost, context, history, (scenario, feedback))
            )
    return sorted(candidates, key=lambda c: (-c.score, c.hypothesis.title))


def _candidate(
    technique: Technique, variant: Variant, place: int, title: str, match: float, probability: float, cost: Cost,
    context: TechniqueContext, history: Sequence[StepSummary], mix: tuple[int, int],
) -> Candidate:  # fmt: skip
    gain = (variant.gain if variant.gain is not None else technique.prior_gain) * (1.0 + 0.5 * match)
    scenario, feedback = mix
    parts = {
        "alignment": (scenario * 0.5 + feedback * (0.25 + 0.75 * match)) / CHALLENGES,
        "impact": min(gain / 5.0, 1.0),
        "novelty": novelty(technique, history),
        "feasibility": 1.0 / (1.0 + 3.0 * cost.seconds / cap(context)),
        "risk_reward": min(probability * gain / 3.0, 1.0),
    }
    worth = math.prod(max(parts[name], 1e-3) ** weight for name, weight in WEIGHTS.items())
    relative = cost.seconds / max(context.incumbent_seconds, 1.0) if context.incumbent_seconds else 1.0
    weight = technique.stages.get(context.stage, 1.0) * 0.97**place
    score = probability**SUCCESS_POWER * worth * weight / max(relative, 0.3) ** COST_POWER[context.stage]
    hypothesis = Hypothesis(
        title=title, rationale=technique.rationale, component=technique.component, technique=technique.name, family=variant.recipe.family,
        symptoms=sorted({f.symptom for f in context.findings if technique.answers.get(f.symptom)}),
        expected_gain=round(probability * gain, 3), cost_seconds=round(cost.seconds, 1), params=variant.params,
    )  # fmt: skip
    return Candidate(technique, variant, hypothesis, score, probability, match)


SUCCESS_POWER = 1.5
"""How much a likely gain is preferred to a large one: a rejected step costs its time and teaches little."""
COST_POWER = {BudgetStage.DRAFT: 0.4, BudgetStage.IMPROVE: 0.3, BudgetStage.ENSEMBLE: 0.2}
"""How much cheaper is better: early on each second buys further steps, at the end there is nothing left to save for."""


def cap(context: TechniqueContext) -> Seconds:
    """Seconds the next script may take; an hour where nothing is said."""
    return min([c for c in (context.time_limit, context.seconds_left) if c > 0], default=3600.0)


def novelty(technique: Technique, history: Sequence[StepSummary]) -> float:
    """Falls with the share of recent steps that worked on the same component; 1 for an untouched one."""
    recent = [step for step in history if step.technique is not None][-6:]
    if not recent:
        return 1.0
    return 1.0 - 0.7 * sum(step.component == technique.component for step in recent) / len(recent)


def momentum_factor(hypothesis: Hypothesis, momentum: Momentum, findings: Iterable[Finding], task: str) -> float:
    """How memory changes a hypothesis's score: successes of the technique (or nearly its text) raise it, failures lower it.

    A failure of the same hypothesis on the same task leaves `REPEAT_FACTOR`; failures elsewhere count by how alike the findings were.
    A near miss (`NEAR_MISS`) is half a success.
    """
    symptoms = {f.symptom for f in findings}
    factor = 1.0
    for recalled in momentum.successes:
        pull = _kinship(hypothesis, recalled)
        factor *= 1.0 + pull * math.tanh(max(recalled.experience.gain_in_noise, 0.0) / 2.0) * (0.5 + 0.5 * recalled.probability)
    for recalled in momentum.failures:
        then = recalled.experience
        if then.gain_in_noise >= NEAR_MISS:
            factor *= 1.0 + 0.5 * _kinship(hypothesis, recalled) * math.tanh(then.gain_in_noise / 2.0)
            continue
        if then.task == task and then.hypothesis.title == hypothesis.title:
            factor *= REPEAT_FACTOR
            continue
        factor *= 1.0 - 0.5 * _kinship(hypothesis, recalled) * alike(symptoms, set(then.findings))
    return factor


def failed_before(hypothesis: Hypothesis, momentum: Momentum, task: str) -> bool:
    """The very same change was tried on this task, by whichever trace, and came to nothing: no near miss either."""
    return any(
        past.experience.task == task and past.experience.hypothesis.title == hypothesis.title and past.experience.gain_in_noise < NEAR_MISS
        for past in momentum.failures
    )


def _kinship(hypothesis: Hypothesis, recalled: Recalled) -> float:
    then = recalled.experience.hypothesis
    if then.technique is not None and then.technique == hypothesis.technique:
        return 1.0
    if then.component == hypothesis.component:
        return 0.3 * max(recalled.similarity, 0.0)
    return 0.0


def alike(left: set[str], right: set[str]) -> float:
    """Overlap of two findings signatures: Jaccard, smoothed so that two empty ones count as alike."""
    return (len(left & right) + 1.0) / (len(left | right) + 1.0)
