"""Diagnose, propose, choose with a model: one question each, answers turned into records."""

from collections.abc import Mapping, Sequence
from typing import Any

from gome_graph.hooks import StepContext
from gome_graph.models import InvalidAnswer, Models, Role
from gome_graph.reasoners.llm import sections
from gome_graph.reasoners.llm.answers import MOST_NOISE, ChoiceAnswer, DiagnosisAnswer, HypothesesAnswer, clamp
from gome_graph.reasoners.llm.asking import make_ask
from gome_graph.reasoners.llm.config import LlmConfig
from gome_graph.reasoners.llm.evidence import resolve_evidence
from gome_graph.reasoners.llm.proposals import chosen, fresh, notes, to_hypothesis
from gome_graph.reasoners.scoring import challenge_mix
from gome_graph.records import Diagnosis, Hypothesis, Momentum, VerdictKind

CONFIDENCE_BOUNDS = (0.02, 0.98)
"""A stated probability is never certainty: one surprise would cost the Brier score everything."""
MOST_FINDINGS = 8


class Thinker:
    """Asks a model for the gradient and the step.

    Parameters
    ----------
    models
        Who answers.
    config
        Bounds and ablations.
    """

    def __init__(self, models: Models, config: LlmConfig) -> None:
        self._models = models
        self._config = config

    def diagnose(self, context: StepContext, base: tuple[str, str], unwritten: Mapping[str, str]) -> tuple[Diagnosis, list[str]]:
        """The diagnosis, and references that resolved nowhere. `base` is the script to be changed and what it is called.

        Raises
        ------
        ModelError
            If there is no valid answer.
        """
        values = {
            **self._facts(context, base, unwritten), "glossary": sections.glossary_section(context), "diff": sections.diff_section(context),
            "log": sections.log_section(context), "verdict": sections.verdict_section(context),
        }  # fmt: skip
        answer = self._ask(Role.DIAGNOSE, "diagnose", DiagnosisAnswer, context, values)
        evidence, cited, lost = resolve_evidence(answer.evidence, context.pack, context.findings)
        known = {finding.symptom for finding in context.findings}
        named = [name.strip().removeprefix("findings.") for name in answer.findings]
        symptoms = list(dict.fromkeys([*(name for name in named if name in known), *cited]))[:MOST_FINDINGS]
        lost += [f"findings.{name}" for name in named if name not in known]
        confidence = answer.confidence / 100.0 if 1.0 < answer.confidence <= 100.0 else answer.confidence  # some say percent
        diagnosis = Diagnosis(
            findings=symptoms, cause=answer.cause, direction=answer.direction, component=answer.component, evidence=evidence,
            expected_gain=round(clamp(answer.expected_gain, 0.0, MOST_NOISE), 3),
            confidence=round(clamp(confidence, *CONFIDENCE_BOUNDS), 3), cost_seconds=round(max(answer.cost_seconds, 0.0), 1),
            falsifier=" ".join(answer.falsifier.split()), unresolved_evidence=len(lost),
        )  # fmt: skip
        return diagnosis, lost

    def propose(
        self, context: StepContext, diagnosis: Diagnosis, base: tuple[str, str], unwritten: Mapping[str, str]
    ) -> tuple[list[Hypothesis], list[str]]:
        """Hypotheses that were not tried, best mark first, and the titles of those that were.

        Raises
        ------
        ModelError
            If there is no valid answer, or it proposes nothing new.
        """
        scenario, feedback = challenge_mix(context.history)
        values = {
            **self._facts(context, base, unwritten), "diagnosis": sections.diagnosis_section(diagnosis) if self._config.diagnosis else "",
            "verdict": sections.verdict_section(context), "log": sections.log_section(context), "scenario": scenario, "feedback": feedback,
            "be_different": not any(step.outcome == VerdictKind.ACCEPTED for step in context.history),
        }  # fmt: skip
        answer = self._ask(Role.PROPOSE, "propose", HypothesesAnswer, context, values)
        symptoms = {finding.symptom for finding in context.findings}
        kept, dropped = fresh([to_hypothesis(each, symptoms) for each in answer.hypotheses], context, unwritten)
        if not kept:
            raise InvalidAnswer("; ".join(dropped), "all hypotheses were tried before" if dropped else "there is no hypothesis in it")
        return kept, dropped

    def choose(
        self, context: StepContext, diagnosis: Diagnosis, hypotheses: Sequence[Hypothesis], momentum: Momentum, unwritten: Mapping[str, str]
    ) -> tuple[Hypothesis, str, str]:
        """The hypothesis to try, what was done to get it, and the model's reason.

        Raises
        ------
        ModelError
            If there is no valid answer.
        """
        values = {
            "task": sections.task_section(context.task), "budget": sections.budget_section(context),
            "hints": sections.hints_section(context.hints),
            "diagnosis": sections.diagnosis_section(diagnosis) if self._config.diagnosis else "",
            "hypotheses": sections.hypotheses_section(hypotheses, notes(hypotheses)), "successes": sections.successes_section(momentum),
            "failures": sections.failures_section(momentum, unwritten), "history": sections.history_section(context.history),
            "siblings": sections.siblings_section(context.siblings),
            "be_different": not any(step.outcome == VerdictKind.ACCEPTED for step in context.history),
        }  # fmt: skip
        answer = self._ask(Role.JUDGE, "judge", ChoiceAnswer, context, values)
        hypothesis, action = chosen(answer, hypotheses, context, unwritten)
        return hypothesis, action, answer.reason

    def _facts(self, context: StepContext, base: tuple[str, str], unwritten: Mapping[str, str]) -> dict[str, Any]:
        """What diagnosis and proposal both look at; the ablation without diagnosis sees no findings and no facts."""
        task, measured = context.task, self._config.diagnosis
        return {
            "task": sections.task_section(task), "budget": sections.budget_section(context), "description": task.description,
            "columns": sections.columns_section(task), "hints": sections.hints_section(context.hints),
            "findings": sections.findings_section(context) if measured else "",
            "facts": sections.facts_section(context) if measured else "",
            "history": sections.history_section(context.history), "siblings": sections.siblings_section(context.siblings),
            "failures": sections.failures_section(Momentum(), unwritten), "script": base[0], "script_title": base[1],
        }  # fmt: skip

    def _ask(self, role: Role, template: str, schema: type[Any], context: StepContext, values: Mapping[str, Any]) -> Any:
        return self._models.ask(make_ask(role, template, schema, context, values, self._config.prompt_tokens)).value
