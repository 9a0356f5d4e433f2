"""Hypotheses from a model's answer: weighed, without what was tried, in the light of momentum."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import fuzz

from gome_graph.hooks import StepContext
from gome_graph.reasoners.llm.answers import MOST_NOISE, Action, ChoiceAnswer, HypothesisAnswer, Scores, clamp, family_name, short_title
from gome_graph.reasoners.rules.choose import momentum_factor
from gome_graph.reasoners.scoring import WEIGHTS
from gome_graph.records import Hypothesis, Momentum, StepSummary, VerdictKind

SOURCE = "llm"
"""`Hypothesis.source` of what a model thought of."""
MOST_HYPOTHESES = 6
SAME_TITLE = 92.0
"""Similarity of titles (0 to 100, words in any order) from which they say the same."""
MARK = "mark"
"""Key in `Hypothesis.params` of the weighted mark, 0 to 1."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
PRIOR_STEPS = 4.0
"""Steps that a source's record begins with, half of them accepted: one success or failure must not decide."""


def mark(scores: Scores) -> float:
    """The weighted mean of the marks, 0 to 1 (gome.md, "Hypotheses" [C])."""
    return sum(weight * clamp(getattr(scores, name), 1.0, 10.0) for name, weight in WEIGHTS.items()) / 10.0


def to_hypothesis(answer: HypothesisAnswer, symptoms: Iterable[str]) -> Hypothesis:
    """The record; symptoms that no finding has are left out."""
    known = set(symptoms)
    about = {"challenge": " ".join(answer.challenge.split()), "from": answer.source.strip().lower()}
    return Hypothesis(
        title=short_title(answer.title), rationale=answer.rationale, component=answer.component, source=SOURCE,
        family=family_name(answer.family), symptoms=sorted(known.intersection(answer.symptoms)),
        expected_gain=round(clamp(answer.expected_gain, 0.0, MOST_NOISE), 3), cost_seconds=round(max(answer.cost_seconds, 0.0), 1),
        params={MARK: round(mark(answer.scores), 3), **about},
    )  # fmt: skip


def same(one: str, other: str) -> bool:
    """True if two titles say the same but for the order of words and a few letters; other numbers are another hypothesis."""
    if sorted(_NUMBER.findall(one)) != sorted(_NUMBER.findall(other)):
        return False
    return fuzz.token_sort_ratio(one.lower(), other.lower()) >= SAME_TITLE


def tried_before(title: str, context: StepContext, further: Iterable[str] = ()) -> bool:
    """True if the trace tried it, or another trace is trying it now."""
    flying = [s.hypothesis.title for s in context.siblings if s.hypothesis is not None]
    return any(same(title, other) for other in [*(step.hypothesis for step in context.history), *flying, *further])


def fresh(hypotheses: Sequence[Hypothesis], context: StepContext, unwritten: Iterable[str] = ()) -> tuple[list[Hypothesis], list[str]]:
    """Those that were not tried and do not repeat each other, best mark first; and the titles of the rest."""
    kept: list[Hypothesis] = []
    dropped: list[str] = []
    for hypothesis in sorted(hypotheses, key=lambda h: -float(h.params.get(MARK, 0.0))):
        if tried_before(hypothesis.title, context, [*unwritten, *(h.title for h in kept)]):
            dropped.append(hypothesis.title)
        else:
            kept.append(hypothesis)
    return kept[:MOST_HYPOTHESES], dropped


def credit(history: Iterable[StepSummary], source: str) -> float:
    """Share of a source's steps that were accepted, from a prior of one half: what its word weighs. Roots do not count."""
    steps = [s for s in history if s.source == source and not s.step.endswith("-0") and s.outcome != VerdictKind.STOPPED]
    return (sum(s.outcome == VerdictKind.ACCEPTED for s in steps) + PRIOR_STEPS / 2) / (len(steps) + PRIOR_STEPS)


def weighed(hypotheses: Sequence[Hypothesis], context: StepContext, momentum: Momentum) -> list[Hypothesis]:
    """Best first: the mark, times the record of who proposed it, times what memory says of its like."""
    credits = {source: credit(context.history, source) for source in {h.source for h in hypotheses}}

    def worth(hypothesis: Hypothesis) -> float:
        momentous = momentum_factor(hypothesis, momentum, context.findings, context.task.name)
        return float(hypothesis.params.get(MARK, 0.5)) * credits[hypothesis.source] * momentous

    return sorted(hypotheses, key=lambda h: (-worth(h), h.title))


def notes(hypotheses: Sequence[Hypothesis]) -> dict[str, str]:
    """What is known of each beside its words: mark, predicted gain, and who proposed it where it was not the model."""
    told: dict[str, str] = {}
    for hypothesis in hypotheses:
        by = "" if hypothesis.source else ", from the catalog"
        told[hypothesis.title] = (
            f"(mark {10 * float(hypothesis.params.get(MARK, 0.5)):.1f}, expected gain {hypothesis.expected_gain:.2g} noise units{by})"
        )
    return told


def chosen(
    answer: ChoiceAnswer, hypotheses: Sequence[Hypothesis], context: StepContext, unwritten: Mapping[str, str]
) -> tuple[Hypothesis, str]:
    """The hypothesis that an answer means, and what was done: ``select``, ``modify``, ``create`` or ``first`` where it means none.

    A modified or new one that was tried before gives way to the first proposal.
    """
    place = answer.number - 1
    meant = hypotheses[place] if 0 <= place < len(hypotheses) else None
    if answer.action is Action.SELECT:
        meant = meant or next((h for h in hypotheses if same(h.title, answer.title)), None)
        return (meant, "select") if meant is not None else (hypotheses[0], "first")
    title, rationale = short_title(answer.title), " ".join(answer.rationale.split())
    if not title or not rationale or tried_before(title, context, unwritten):
        return hypotheses[0], "first"
    base = meant or hypotheses[0]
    changed = {"title": title, "rationale": rationale, "component": answer.component, "technique": None, "source": SOURCE}
    if answer.action is Action.MODIFY and meant is not None:
        return base.model_copy(update=changed), "modify"
    return base.model_copy(update={**changed, "symptoms": [], "params": {}}), "create"
