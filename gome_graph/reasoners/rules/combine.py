"""Near misses together: steps that gained something, each too little to be told from noise, tried as one.

Gains of different kinds mostly add up while their noise partly cancels, so two near misses at 1.4 noise units each are worth about 2.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.records import BudgetStage, Component, StepSummary, VerdictKind

NEAR = 0.4
"""Gain in noise units from which a rejected step counts as a near miss."""
STALE = 0.5
"""What a gain is worth that was measured before the incumbent changed: part of it has been had since."""
CONSIDERED = 4
"""The best near misses are combined."""
SELECTED = 0.65
"""What is left of gains that were selected for being high: of ten pairs that promised 1.9 to 2.4 with all of it, none was accepted."""
NEEDED = 1.75
"""Gain in noise units that acceptance at P(better) >= 0.8 asks for under the spike-and-slab prior of validation."""
SPREAD = 0.8
"""How far the combined gain scatters around the sum of its parts."""

COMBINE = Technique(
    name="combine_near_misses",
    title="Combine near misses",
    component=Component.WORKFLOW,
    change=lambda recipe, context: [],  # needs the history, which techniques do not see: `near_misses` makes its variants
    rationale="Each of these steps gained something, alone too little to be told from noise; together they should stand out.",
    direction="all at once what helped a little each time",
    falsifier="together they gain no more than the best of them alone",
    prior_gain=2.0,
    prior_success=0.45,
    stages={BudgetStage.DRAFT: 1.0, BudgetStage.ENSEMBLE: 1.2},
)


def near_misses(techniques: Mapping[str, Technique], context: TechniqueContext, history: Sequence[StepSummary]) -> list[Variant]:
    """Pairs and the best triple of rejected steps that gained at least `NEAR`, redone together on the present recipe; best first."""
    accepted = [place for place, step in enumerate(history) if step.outcome == VerdictKind.ACCEPTED]
    since = accepted[-1] if accepted else -1
    aged = [
        step if place > since else step.model_copy(update={"gain_in_noise": (step.gain_in_noise or 0.0) * STALE})
        for place, step in enumerate(history)
    ]
    missed = [
        step
        for step in aged
        if step.outcome == VerdictKind.NOT_BETTER and step.technique in techniques and (step.gain_in_noise or 0.0) >= NEAR
    ]
    missed = sorted(missed, key=lambda step: (-(step.gain_in_noise or 0.0), step.hypothesis))[:CONSIDERED]
    groups = [*combinations(missed, 2), *combinations(missed[:3], 3)]
    found = [variant for group in groups if (variant := _together(group, techniques, context)) is not None]
    return sorted(found, key=lambda v: (-(v.success or 0.0), v.title))


def _together(steps: Sequence[StepSummary], techniques: Mapping[str, Technique], context: TechniqueContext) -> Variant | None:
    alone = []
    joined = context
    for step in steps:
        technique = techniques[step.technique or ""]
        variant = _redo(technique, step.hypothesis, context)
        again = _redo(technique, step.hypothesis, joined)
        if variant is None or again is None:
            return None
        alone.append(variant.recipe)
        joined = replace(joined, recipe=again.recipe)
    if joined.recipe in alone:
        return None  # one undoes the other
    strength = SELECTED * sum(step.gain_in_noise or 0.0 for step in steps) / math.sqrt(len(steps))
    success = 0.5 * (1.0 + math.erf((strength - NEEDED) / (SPREAD * math.sqrt(2.0))))
    titles = [step.hypothesis for step in steps]
    return Variant(joined.recipe, "Together: " + " + ".join(titles), {"steps": titles}, strength, min(max(success, 0.05), 0.85))


def _redo(technique: Technique, title: str, context: TechniqueContext) -> Variant | None:
    return next((v for v in technique.variants(context) if (v.title or technique.title) == title), None)
