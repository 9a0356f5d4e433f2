"""From what a model says to records: nothing it makes up comes through."""

import pytest
from pydantic import ValidationError

from gome_graph.models import InvalidAnswer
from gome_graph.reasoners.llm.answers import DraftAnswer, PatchAnswer
from gome_graph.reasoners.llm.config import LlmConfig
from gome_graph.reasoners.llm.evidence import resolve_evidence
from gome_graph.reasoners.llm.facts import fact_lines
from gome_graph.reasoners.llm.proposals import credit, same, weighed
from gome_graph.reasoners.llm.thinker import Thinker
from gome_graph.records import Component, Diagnosis, Hypothesis, Momentum, VerdictKind
from tests.reasoners.llm import scripted, world
from tests.reasoners.llm.line import SCRIPT
from tests.reasoners.llm.scripted import ScriptedModels

BASE = (SCRIPT, "The accepted script")


def diagnosed(**answer: object) -> tuple[Diagnosis, list[str]]:
    return Thinker(ScriptedModels(lambda ask: scripted.diagnosis(**answer)), LlmConfig()).diagnose(world.context(), BASE, {})


def test_every_fact_in_a_prompt_can_be_cited() -> None:
    pack = world.pack()
    lines = fact_lines(pack)
    assert len(lines) > 20
    for line in lines:
        assert pack.resolve(line.split(" = ")[0]) is not None


@pytest.mark.parametrize(
    "ref",
    ["score.by_fold", "pack.score.by_fold", "`score.by_fold`", "slices[0].z", "folds.1.train_score = 0.99", "findings.overfit"],
)
def test_evidence_that_is_there_resolves_however_it_is_written(ref: str) -> None:
    diagnosis, lost = diagnosed(evidence=[{"ref": ref, "note": "look"}])
    assert not lost
    assert diagnosis.unresolved_evidence == 0
    assert [world.pack().resolve(e.ref) is not None for e in diagnosis.evidence] == [True] * len(diagnosis.evidence)
    assert diagnosis.evidence


def test_evidence_that_is_not_there_is_dropped_and_counted() -> None:
    cited = [{"ref": ref, "note": ""} for ref in ("score.value", "score.private", "folds.99.train_score", "findings.drift")]
    diagnosis, lost = diagnosed(evidence=cited, findings=["overfit", "made_up"])
    assert [e.ref for e in diagnosis.evidence] == ["score.value"]
    assert lost == ["score.private", "folds.99.train_score", "findings.drift", "findings.made_up"]
    assert diagnosis.unresolved_evidence == 4
    assert diagnosis.findings == ["overfit"]


def test_values_of_evidence_are_those_measured() -> None:
    evidence, _, _ = resolve_evidence([], world.pack(), world.FINDINGS)
    assert evidence == []
    diagnosis, _ = diagnosed(evidence=[{"ref": "score.value = 0.99", "note": "it says 0.99"}])
    assert diagnosis.evidence[0].value == 0.8125


@pytest.mark.parametrize(("said", "kept"), [(0.7, 0.7), (70.0, 0.7), (1.0, 0.98), (-3.0, 0.02), (None, 0.02), (1e9, 0.98)])
def test_confidence_is_a_probability(said: float, kept: float) -> None:
    assert diagnosed(confidence=said)[0].confidence == kept


def test_gains_are_clamped_to_noise_units_that_can_be() -> None:
    assert diagnosed(expected_gain=float("inf"))[0].expected_gain == 0.0
    assert diagnosed(expected_gain=500.0)[0].expected_gain == 20.0


def proposed(*titles: str) -> tuple[list[Hypothesis], list[str]]:
    models = ScriptedModels(lambda ask: scripted.hypotheses(*titles))
    diagnosis = Diagnosis(cause="c", direction="d", component=Component.MODEL)
    return Thinker(models, LlmConfig()).propose(world.context(), diagnosis, BASE, {"Train a net": "no package"})


def test_what_was_tried_is_flying_or_could_not_be_written_is_not_proposed_again() -> None:
    titles = ("Fewer leaves", "add interactions of x", "Fit a linear model on the ranks", "Train a net.", "Fewer leaves", "More rounds")
    kept, dropped = proposed(*titles)
    assert [h.title for h in kept] == ["Fewer leaves", "More rounds"]
    assert len(dropped) == 4


def test_nothing_new_is_an_answer_that_does_not_fit() -> None:
    with pytest.raises(InvalidAnswer, match="tried before"):
        proposed("Add interactions of x")


def test_titles_that_differ_in_a_number_are_not_the_same() -> None:
    assert not same("Set the rate to 0.1", "Set the rate to 0.2")
    assert same("Blend linear and boosted model", "blend boosted and linear models")


def test_marks_momentum_and_the_record_of_a_source_order_hypotheses() -> None:
    context = world.context()
    first, second = (
        Hypothesis(title=title, rationale="r", component=Component.TRAINING, source="llm", params={"mark": mark})
        for title, mark in (("Grow deeper trees", 0.9), ("Fewer leaves", 0.6))
    )
    assert [h.title for h in weighed([first, second], context, Momentum())] == ["Grow deeper trees", "Fewer leaves"]
    assert [h.title for h in weighed([first, second], context, world.MOMENTUM)] == ["Fewer leaves", "Grow deeper trees"], "it failed before"
    assert credit(context.history, "llm") < credit(context.history, "") == 0.5


@pytest.mark.parametrize("script", ["```python\nx = 1\n```", "x = 1", "\nx = 1\n\n"])
def test_fences_around_code_are_taken_off(script: str) -> None:
    assert DraftAnswer.model_validate(scripted.draft(script)).script == "x = 1\n"


def test_answers_that_say_nothing_do_not_fit() -> None:
    with pytest.raises(ValidationError, match="at least one edit"):
        PatchAnswer.model_validate({"edits": [], "summary": ""})
    with pytest.raises(ValidationError, match="must not be empty"):
        DraftAnswer.model_validate(scripted.draft("x", title=" "))


def test_a_leak_is_told_as_a_leak() -> None:
    models = ScriptedModels(lambda ask: scripted.diagnosis())
    Thinker(models, LlmConfig()).diagnose(world.context(), BASE, {})
    (ask,) = models.asked
    assert "Encode colour by its target: leakage (It still beats chance on permuted labels.)" in ask.user
    assert VerdictKind.LEAKAGE.value in ask.system
