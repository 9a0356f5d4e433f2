"""The embedded reasoner: no language model, a catalog of techniques, measured facts and momentum."""

import logging
import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gome_graph.hooks import StepContext, Update
from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.choose import CONFIDENCE_BOUNDS, Candidate, failed_before, momentum_factor, rank
from gome_graph.reasoners.rules.combine import COMBINE
from gome_graph.reasoners.rules.cost import START_SECONDS, recipe_units
from gome_graph.reasoners.rules.dial import dialled
from gome_graph.reasoners.rules.names import described, slug_words
from gome_graph.reasoners.rules.recipe import Recipe
from gome_graph.reasoners.rules.state import pack_recipe, recipe_of, why_of
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, collect
from gome_graph.reasoners.rules.writer import draft_recipes, hurried, write_script
from gome_graph.records import (
    Component,
    Diagnosis,
    DiagnosticPack,
    Evidence,
    Finding,
    Hypothesis,
    Momentum,
    Patch,
    Solution,
    StepId,
    TraceId,
    VerdictKind,
    step_id,
)
from gome_graph.solution.patch import make_patch

log = logging.getLogger(__name__)

MOST_HYPOTHESES = 8
"""Proposed per step; memory ranks its experiences against them."""
PER_TECHNIQUE = 2
"""At most so many variants of one technique among them."""
DRAFT_SHARE = 0.5
"""Share of a script's planned time that a draft may fill before it is hurried: other members want their turn."""
HINT_FACTOR = 4.0
"""What a hint of the user that names a hypothesis multiplies its score by; one that forbids it divides."""
KNOWN = frozenset([COMBINE.name, *(technique.name for technique in BUILT_IN)])
"""Techniques whose prospects come from recorded steps."""
FORBIDDING = re.compile(r"\b(no|not|don't|never|avoid|without|stop)\b", re.IGNORECASE)


class RulesConfig(BaseModel):
    """Settings of the rules reasoner."""

    model_config = ConfigDict(extra="forbid")

    diagnosis: bool = True
    """False: findings are ignored and applicable techniques come in random order (the ``--no-diagnosis`` ablation)."""
    right: float = Field(default=1.0, ge=0, le=1)
    """Probability that a diagnosis points in the right direction (``rules@0.5``); see `gome_graph.reasoners.rules.dial`."""
    least_gain: float = Field(default=0.5, ge=0)
    """Noise units that a change must be expected to gain to be tried; 0 tries whatever is left. Of 247 recorded steps on 11 tasks, 85 were
    expected to gain less than 0.5, and one of them was accepted. Techniques of plugins and what the user asked for are tried anyway; the
    ablations go on, for what they expect means nothing."""


class RulesReasoner:
    """Implements `gome_graph.hooks.Reasoner` without a language model. Stateless and deterministic in the `StepContext`.

    Parameters
    ----------
    config
        See `RulesConfig`.
    techniques
        The catalog; None for the built-in one. Names must be unique (`PluginError` otherwise).
    """

    name = "rules"

    def __init__(self, config: RulesConfig | None = None, *, techniques: Iterable[Technique] | None = None) -> None:
        self.config = config or RulesConfig()
        if self.config.right < 1.0:
            self.name = f"rules@{self.config.right:g}"
        self._last: dict[int, tuple[StepContext, list[Candidate]]] = {}
        self.techniques = collect([("the catalog", BUILT_IN if techniques is None else techniques)])

    # -- draft -------------------------------------------------------------------------------------------------------

    def draft(self, context: StepContext) -> Update:
        """The first solution of a trace: another model family than the siblings', in flight ones included.

        A second root of a trace (the first one failed) is the cheapest draft of a family that has not failed here; after a first time-out
        it is the next one in order, hurried.
        """
        recipe = self._draft_recipe(context)
        what = described(recipe)
        hypothesis = Hypothesis(
            title=_draft_title(recipe, context), component=Component.MODEL, family=recipe.family,
            rationale=f"A plain first solution: {what}. The measurements that later steps rest on start here.",
            cost_seconds=round(_draft_seconds(recipe, context), 1), params={"models": [m.model for m in recipe.members]},
        )  # fmt: skip
        why = [f"{hypothesis.title}."]
        script = write_script(recipe, context.task, why=why)
        return Update(hypothesis=hypothesis, patch=Patch(whole=script), solution=_solution(context, None, script, recipe, why))

    def _draft_recipe(self, context: StepContext) -> Recipe:
        recipes = list(draft_recipes(context.task))
        start = context.trace % len(recipes)
        order = recipes[start:] + recipes[:start]
        tried = {step.hypothesis for step in context.history}
        families = {s.hypothesis.family for s in context.siblings if s.hypothesis is not None}
        families |= {s.incumbent.family for s in context.siblings if s.incumbent is not None}
        timeouts = sum(step.outcome == VerdictKind.TIMED_OUT for step in context.history)
        if tried and timeouts != 1:  # a new root: simpler, and of another kind than what failed
            order.sort(key=lambda r: recipe_units(r, context.task.profile))
        # Rather a boosted model with fewer, larger steps than none. One that ran out of time shows that the machine is slower than thought,
        # not that the model is wrong: the cheapest kinds are far worse on most tables.
        limit = DRAFT_SHARE * context.time_limit if context.time_limit > 0 else math.inf
        order = [hurried(r, context.task) if timeouts or _draft_seconds(r, context) > limit else r for r in order]
        untried = [r for r in order if _draft_title(r, context) not in tried] or order
        fits = [r for r in untried if context.time_limit <= 0 or _draft_seconds(r, context) <= context.time_limit]
        if not fits:  # the cheapest ones, but still not the same one for every trace
            cheap = sorted(untried, key=lambda r: recipe_units(r, context.task.profile))
            first = context.trace % len(cheap) if not tried else 0
            fits = cheap[first:] + cheap[:first]
        theirs = [recipe_of(s.incumbent) for s in context.siblings]
        fresh = [r for r in fits if r not in theirs] or fits
        return next((r for r in fits if r.family not in families), fresh[0])

    # -- the gradient ------------------------------------------------------------------------------------------------

    def diagnose(self, context: StepContext) -> Diagnosis:
        """What limits the score, and the direction with the best expected gain per cost.

        Evidence is copied from the findings, as far as it resolves in the pack; what does not is dropped and counted.
        """
        findings = list(context.findings) if self.config.diagnosis else []
        recipe = recipe_of(context.incumbent)
        if recipe is None:
            return _root_diagnosis(context, findings)
        least = self._floor(context, recipe)
        ranked = [c for c in self._ranked(context, recipe) if self._worthwhile(c, context, least)]
        if not ranked:
            return Diagnosis(
                cause=self._nothing_left, direction="stop or widen limits",
                component=Component.WORKFLOW, evidence=_plain_evidence(context.pack), confidence=CONFIDENCE_BOUNDS[0],
                falsifier="a technique applies again",
            )  # fmt: skip
        best = ranked[0]
        shown = best if self.config.right == 1.0 else self._rank(context, recipe)[0]  # a wrong direction is stated with the right symptom
        answered = [f for f in sorted(findings, key=lambda f: -f.severity) if shown.technique.answers.get(f.symptom)]
        evidence, unresolved = _resolved(answered, context.pack)
        cause = answered[0].summary if answered else shown.technique.rationale
        return Diagnosis(
            findings=[f.symptom for f in answered], cause=cause, direction=best.technique.direction, component=best.technique.component,
            evidence=evidence or _plain_evidence(context.pack), expected_gain=shown.hypothesis.expected_gain,
            confidence=round(shown.probability, 3), cost_seconds=best.hypothesis.cost_seconds, falsifier=best.technique.falsifier,
            unresolved_evidence=unresolved,
        )  # fmt: skip

    def propose(self, context: StepContext, diagnosis: Diagnosis) -> list[Hypothesis]:
        """Candidate changes of the incumbent, best first; at most `PER_TECHNIQUE` of one technique. A root where there is no incumbent."""
        recipe = recipe_of(context.incumbent)
        if recipe is None:
            return [self.draft(context).hypothesis]
        chosen: list[Hypothesis] = []
        counts: dict[str, int] = {}
        least = self._floor(context, recipe)
        # What may be too little is shown last: memory may know better.
        for candidate in sorted(self._ranked(context, recipe), key=lambda c: not self._worthwhile(c, context, least)):
            name = candidate.technique.name
            if counts.get(name, 0) < PER_TECHNIQUE:
                counts[name] = counts.get(name, 0) + 1
                chosen.append(candidate.hypothesis)
            if len(chosen) == MOST_HYPOTHESES:
                break
        return chosen

    # -- the step ----------------------------------------------------------------------------------------------------

    def update(self, context: StepContext, diagnosis: Diagnosis, hypotheses: list[Hypothesis], momentum: Momentum) -> Update | None:
        """The best of `hypotheses` in the light of momentum, rendered as a patch on the incumbent's script; None if none can be applied."""
        recipe = recipe_of(context.incumbent)
        if recipe is None or context.incumbent is None:
            return self.draft(context) if hypotheses else None
        wanted = {h.title for h in hypotheses}
        candidates = [c for c in self._ranked(context, recipe) if c.hypothesis.title in wanted]
        findings = context.findings if self.config.diagnosis else []
        least, task = self._floor(context, recipe), context.task.name
        factors = [momentum_factor(c.hypothesis, momentum, findings, task) for c in candidates]
        weighed = [
            (c.score * factor, c) for c, factor in zip(candidates, factors, strict=True)
            if self._worthwhile(c, context, least, factor) and not (least and failed_before(c.hypothesis, momentum, task))
        ]  # fmt: skip
        plain = write_script(recipe, context.task)
        for _, candidate in sorted(weighed, key=lambda pair: (-pair[0], pair[1].hypothesis.title)):
            changed = candidate.variant.recipe
            why = [*why_of(context.incumbent), f"{candidate.hypothesis.title}: {candidate.technique.direction}."]
            try:
                script = write_script(changed, context.task, why=why)
            except ValueError as error:  # a recipe that cannot be written: a plugin's technique, or two steps that do not go together
                log.warning("technique %r made a recipe that cannot be written: %s", candidate.technique.name, error)
                continue
            if write_script(changed, context.task) == plain:
                continue  # the writer renders both recipes alike: nothing would be tested
            solution = _solution(context, context.incumbent.step, script, changed, why)
            return Update(hypothesis=candidate.hypothesis, patch=make_patch(context.incumbent.script, script), solution=solution)
        return None

    def _ranked(self, context: StepContext, recipe: Recipe, *, flying: bool = False) -> list[Candidate]:
        """Everything that can be tried on the incumbent, best first. Diagnose, propose and update ask it of the same facts: it is worked
        out once a step; what a sibling has taken up is left out, unless `flying`."""
        last = self._last.get(context.trace)
        if last is None or not _same_facts(last[0], context):
            ranked = self._rank(context, recipe)
            if self.config.diagnosis and self.config.right < 1.0:
                ranked = [_with_score(c, 1.0 / (place + 1)) for place, c in enumerate(dialled(ranked, self.config.right, context.seed))]
            last = self._last[context.trace] = context, ranked
        left_out = set() if flying else _in_flight(context)
        return [candidate for candidate in last[1] if candidate.hypothesis.title not in left_out]

    def _floor(self, context: StepContext, recipe: Recipe) -> float:
        """What a change must be expected to gain, in noise units.

        Nothing where the user asked for more, where the reasoner is made wrong or random (what it expects means nothing), and while
        siblings try all that is worth it: the trace does the next best thing meanwhile, for what fails there may be worth it here.
        """
        if context.insisted or not self.config.diagnosis or self.config.right < 1.0:
            return 0.0
        least = self.config.least_gain
        worth = {c.hypothesis.title for c in self._ranked(context, recipe, flying=True) if self._worthwhile(c, context, least)}
        return 0.0 if worth and worth <= _in_flight(context) else least

    @property
    def _nothing_left(self) -> str:
        if self.config.least_gain:
            least = self.config.least_gain
            return f"Nothing left to try on this solution within the time limit is expected to gain {least:g} times the noise."
        return "Nothing in the catalog is left to try on this solution within the time limit."

    def _worthwhile(self, candidate: Candidate, context: StepContext, least: float, momentum: float = 1.0) -> bool:
        """Expected to gain enough, in the light of `momentum`; or of a plugin, or asked for by the user.

        What failed elsewhere counts by its root: it was another solution, and failures of kin add up.
        """
        if candidate.technique.name not in KNOWN or hint_factor(candidate, context.hints) > 1.0:
            return True
        return candidate.hypothesis.expected_gain * (momentum if momentum > 1.0 else math.sqrt(momentum)) >= least

    def _rank(self, context: StepContext, recipe: Recipe) -> list[Candidate]:
        """In random order without diagnosis."""
        view = TechniqueContext.of(context, recipe, diagnosis=self.config.diagnosis)
        ranked = rank(self.techniques, view, context.history)
        if not self.config.diagnosis:
            order = np.random.default_rng(context.seed).permutation(len(ranked))
            return [_with_score(ranked[i], 1.0 / (place + 1)) for place, i in enumerate(order)]
        if context.hints:
            hinted = [_with_score(c, c.score * hint_factor(c, context.hints)) for c in ranked]
            return sorted(hinted, key=lambda c: (-c.score, c.hypothesis.title))
        return ranked


LIMIT_CHANGE = 0.05
"""Share by which time limits may move within a step without a new ranking."""


def _same_facts(then: StepContext, now: StepContext) -> bool:
    """True if a ranking made of `then` holds for `now`: the same step of the same trace, and hardly any time between them."""
    if then is now:
        return True
    return (
        (then.step, then.seed, then.stage, then.hints) == (now.step, now.seed, now.stage, now.hints)
        and then.task is now.task
        and abs(then.time_limit - now.time_limit) <= LIMIT_CHANGE * then.time_limit
        and (then.incumbent, then.history, then.findings) == (now.incumbent, now.history, now.findings)
    )


def _in_flight(context: StepContext) -> set[str]:
    """Titles of what siblings are executing now."""
    return {sibling.hypothesis.title for sibling in context.siblings if sibling.hypothesis is not None}


def hint_factor(candidate: Candidate, hints: Sequence[str]) -> float:
    """How the user's hints weigh a candidate: each hint that shares a telling word with it multiplies, or divides if it forbids."""
    words = slug_words(f"{candidate.technique.name} {candidate.hypothesis.title}")
    factor = 1.0
    for hint in hints:
        if words & slug_words(hint):
            factor *= 1.0 / HINT_FACTOR**2 if FORBIDDING.search(hint) else HINT_FACTOR
    return factor


def _with_score(candidate: Candidate, score: float) -> Candidate:
    return Candidate(candidate.technique, candidate.variant, candidate.hypothesis, score, candidate.probability, candidate.match)


def _solution(context: StepContext, parent: StepId | None, script: str, recipe: Recipe, why: list[str]) -> Solution:
    return Solution(
        step=step_id(context.trace, context.step), trace=TraceId(context.trace), parent=parent, script=script,
        recipe=pack_recipe(recipe, why), family=recipe.family,
    )  # fmt: skip


def _draft_title(recipe: Recipe, context: StepContext) -> str:
    quick = any(hurried(draft, context.task) == recipe != draft for draft in draft_recipes(context.task))
    return f"Draft with {described(recipe)}{' in few, large steps' if quick else ''}"


def _draft_seconds(recipe: Recipe, context: StepContext) -> float:
    return START_SECONDS + recipe_units(recipe, context.task.profile)


def _resolved(findings: Iterable[Finding], pack: DiagnosticPack | None) -> tuple[list[Evidence], int]:
    kept: dict[str, Evidence] = {}
    lost = 0
    for finding in findings:
        for evidence in finding.evidence:
            try:
                value = pack.resolve(evidence.ref) if pack is not None else None
            except KeyError:
                value = None
            if value is None:
                lost += 1
            else:
                kept.setdefault(evidence.ref, evidence)
    return list(kept.values()), lost


def _plain_evidence(pack: DiagnosticPack | None) -> list[Evidence]:
    """What is always there: the score, or how the run ended."""
    if pack is None:
        return []
    if pack.score is not None:
        return [Evidence(ref="score.value", value=pack.score.value, note="score of the incumbent")]
    return [Evidence(ref="execution.outcome", value=str(pack.execution.outcome), note="how the script ended")]


def _root_diagnosis(context: StepContext, findings: list[Finding]) -> Diagnosis:
    """Nothing was accepted yet, or the incumbent was written by another reasoner: start afresh, simpler."""
    findings = sorted(findings, key=lambda f: -f.severity)
    evidence, unresolved = _resolved(findings, context.pack)
    failed = [s for s in context.history if s.outcome != VerdictKind.ACCEPTED]
    cause = findings[0].summary if findings else f"{len(failed)} drafts failed" if failed else "No solution has been accepted yet."
    return Diagnosis(
        findings=[f.symptom for f in findings], cause=cause, component=Component.WORKFLOW,
        direction="a simpler root of another model family",
        evidence=evidence or _plain_evidence(context.pack), expected_gain=0.0, confidence=0.6, cost_seconds=START_SECONDS,
        falsifier="the simpler root fails in the same way", unresolved_evidence=unresolved,
    )  # fmt: skip
