"""The words a model is told: whole prompts as golden files, and what must never stand in them.

After a change of a template, write the golden files anew with ``GOME_WRITE_GOLDEN=1`` and read the difference.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from gome_graph.models import Ask
from gome_graph.reasoners.llm import contract, prompts
from gome_graph.reasoners.llm.coder import Coder
from gome_graph.reasoners.llm.config import LlmConfig
from gome_graph.reasoners.llm.thinker import Thinker
from gome_graph.records import Component, Diagnosis, Hypothesis
from tests.reasoners.llm import scripted, world
from tests.reasoners.llm.line import SCRIPT
from tests.reasoners.llm.scripted import ScriptedModels

GOLDEN = Path(__file__).parent / "golden"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "competitions"
DIAGNOSIS = Diagnosis(cause="It overfits.", direction="regularise", component=Component.TRAINING, falsifier="no gain from fewer leaves")
HYPOTHESES = [
    Hypothesis(title="Fewer leaves", rationale="train 0.99 against 0.81", component=Component.TRAINING, source="llm", params={"mark": 0.8}),
    Hypothesis(title="Use colour", rationale="it is unused", component=Component.FEATURES, expected_gain=0.7, params={"mark": 0.6}),
]


def asked(name: str, monkeypatch: pytest.MonkeyPatch, **config: Any) -> Ask[Any]:
    """The request that a role makes in the world made by hand."""
    monkeypatch.setattr(contract, "packages", lambda: "numpy 2.0, pandas 2.0")
    monkeypatch.setattr("gome_graph.reasoners.llm.coder.packages", lambda: "numpy 2.0, pandas 2.0")
    answers = {
        "diagnose": scripted.diagnosis(), "propose": scripted.hypotheses("Fewer leaves"), "judge": scripted.choice(),
        "code": scripted.edits(("WIDTH = 1.0", "WIDTH = 0.5")), "draft": scripted.draft(SCRIPT),
    }  # fmt: skip
    models = ScriptedModels(lambda ask: answers[ask.template.split("@")[0]])
    settings = LlmConfig(**config)
    thinker, coder, base = Thinker(models, settings), Coder(models, None, settings), (SCRIPT, "The accepted script")
    match name:
        case "diagnose":
            thinker.diagnose(world.context(), base, {})
        case "propose":
            thinker.propose(world.context(), DIAGNOSIS, base, {"Use a net": "it needs a package"})
        case "judge":
            thinker.choose(world.context(), DIAGNOSIS, HYPOTHESES, world.MOMENTUM, {})
        case "code":
            coder.change(world.context(), DIAGNOSIS, HYPOTHESES[0], *base)
        case _:
            coder.draft(world.context(incumbent=None, latest=None, verdict=None, pack=None, history=[]))
    (ask,) = models.asked
    return ask


@pytest.mark.parametrize("name", prompts.NAMES)
def test_the_prompt_is_as_read_last(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = asked(name, monkeypatch)
    text = f"{ask.system}\n=== user ===\n\n{ask.user}"
    path = GOLDEN / f"{name}.md"
    if os.environ.get("GOME_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", prompts.NAMES)
def test_a_request_names_its_template_and_hash(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = asked(name, monkeypatch)
    assert ask.template == prompts.versions()[name]
    assert re.fullmatch(rf"{name}@[0-9a-f]{{8}}", ask.template)


def test_a_changed_word_changes_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompts.version("judge")
    real = prompts.source
    prompts.version.cache_clear()
    monkeypatch.setattr(prompts, "source", lambda name: real(name) + ("!" if name == "contract" else ""))
    try:
        assert prompts.version("judge") != before
    finally:
        prompts.version.cache_clear()


def test_scripts_stand_in_prompts_to_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"<script>\n{SCRIPT.rstrip()}\n</script>" in asked("code", monkeypatch).user
    assert "\n\n\n" in SCRIPT, "two empty lines in a row are not tidied away"


@pytest.mark.parametrize("name", prompts.NAMES)
def test_prompts_keep_within_their_budget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, small = asked(name, monkeypatch), asked(name, monkeypatch, prompt_tokens=1500)
    assert len(small.system + small.user) <= 3.5 * 1500 < len(whole.system + whole.user) or len(whole.system + whole.user) <= 3.5 * 1500


def test_templates_name_no_competition() -> None:
    words = {"kaggle", "competition", "leaderboard", "medal", "playground", "mle-bench"}
    if SHARED.is_dir():
        words |= {folder.name.lower() for folder in SHARED.iterdir()} | {
            folder.name.lower().replace("-", " ") for folder in SHARED.iterdir()
        }
    text = "\n".join(prompts.source(name) for name in (*prompts.NAMES, *prompts.SHARED)).lower()
    assert [word for word in words if word in text] == []


def test_templates_speak_of_no_audit_part() -> None:
    text = "\n".join(prompts.source(name) for name in (*prompts.NAMES, *prompts.SHARED)).lower()
    assert "audit" not in text
