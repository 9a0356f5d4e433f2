"""``rules@q``: right with probability q, confidently wrong otherwise."""

from types import SimpleNamespace
from typing import Any

import pytest

from gome_graph.errors import PluginError
from gome_graph.graph.parts import split_dial
from gome_graph.reasoners.rules.dial import dialled
from gome_graph.reasoners.rules.reasoner import RulesConfig, RulesReasoner
from gome_graph.records import Momentum
from tests.reasoners import planted

FINDINGS = [planted.finding("overfit", 0.9), planted.finding("single_model", 0.5)]


def context(seed: int = 7):  # type: ignore[no-untyped-def]
    return planted.context(incumbent=planted.solution(planted.recipe("lightgbm")), findings=FINDINGS, seed=seed)


def test_at_full_strength_it_is_the_rules_reasoner() -> None:
    plain, full = RulesReasoner(), RulesReasoner(RulesConfig(right=1.0))
    assert full.name == plain.name == "rules"
    assert full.diagnose(context()) == plain.diagnose(context())


def test_how_often_it_is_right_is_q_and_the_same_seed_gives_the_same_draw() -> None:
    ranked: list[Any] = [SimpleNamespace(technique=SimpleNamespace(direction=f"way {place // 2}"), place=place) for place in range(20)]
    for q in (0.0, 0.3, 0.8, 1.0):
        firsts = [dialled(ranked, q, seed)[0].place for seed in range(500)]
        assert sum(first == 0 for first in firsts) / 500 == pytest.approx(q, abs=0.06)
        assert all(first == 0 or first >= 10 for first in firsts), "a wrong one comes from the lower half"
    assert dialled(ranked, 0.5, 3) == dialled(ranked, 0.5, 3)
    assert sorted(dialled(ranked, 0.5, 3), key=lambda each: each.place) == ranked


def test_a_wrong_diagnosis_states_the_right_symptom_with_the_same_confidence() -> None:
    right, wrong = RulesReasoner().diagnose(context()), RulesReasoner(RulesConfig(right=0.0)).diagnose(context())
    assert (wrong.findings, wrong.cause, wrong.confidence, wrong.expected_gain) == (
        right.findings, right.cause, right.confidence, right.expected_gain,
    )  # fmt: skip
    assert wrong.direction != right.direction


def test_the_step_goes_where_the_wrong_diagnosis_says() -> None:
    reasoner, here = RulesReasoner(RulesConfig(right=0.0)), context()
    diagnosis = reasoner.diagnose(here)
    hypotheses = reasoner.propose(here, diagnosis)
    update = reasoner.update(here, diagnosis, hypotheses, Momentum())
    assert update is not None
    assert update.hypothesis.title == hypotheses[0].title
    direction = {t.name: t.direction for t in reasoner.techniques}[update.hypothesis.technique or ""]
    assert direction == diagnosis.direction


def test_what_follows_the_at_sign_must_be_a_probability() -> None:
    assert split_dial("rules@0.25") == ("rules", {"right": 0.25})
    assert split_dial("rules") == ("rules", {})
    for wrong in ("rules@", "rules@2", "rules@half"):
        with pytest.raises(PluginError, match=r"rules@0\.5"):
            split_dial(wrong)
