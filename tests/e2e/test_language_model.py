"""A model that answers by rote improves a small task: real graph, sandbox, memory and scripts; nothing but the model is played."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from gome_graph.graph import start
from gome_graph.graph.services import RunServices
from gome_graph.models import Ask, ModelUnavailable, Role
from gome_graph.records import EventKind
from gome_graph.run import RunDirectory, RunSettings
from gome_graph.task import load_task
from tests.behaviours import journal, small_tasks
from tests.reasoners.llm.line import width
from tests.reasoners.llm.scripted import ScriptedModels, choice, diagnosis, draft, edits, hypotheses


def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: ScriptedModels, **settings: Any) -> RunDirectory:
    monkeypatch.setattr(RunServices, "_make_models", lambda self: models)
    values = {"budget_seconds": 900, "traces": 1, "reasoner": "llm", "memory": "none", "plugins": [], "top_k": 1, **settings}
    start(load_task(small_tasks.line(tmp_path / "task")), RunSettings.model_validate(values), out=tmp_path / "run")
    return RunDirectory.open(tmp_path / "run")


class Narrower:
    """Drafts a noisy line and takes noise away step by step."""

    def __init__(self) -> None:
        self.widths = [1.0]

    def __call__(self, ask: Ask[Any]) -> dict[str, Any]:
        if ask.template.startswith("draft"):
            return draft(width(1.0))
        if ask.role is Role.DIAGNOSE:
            return diagnosis()
        if ask.role is Role.PROPOSE:
            return hypotheses(f"Set the width to {self.widths[-1] - 0.3:.1f}", "Fit a forest")
        if ask.role is Role.JUDGE:
            return choice(1)
        old = self.widths[-1]
        self.widths.append(round(old - 0.3, 1))
        return edits((f"WIDTH = {old}", f"WIDTH = {self.widths[-1]}"))


def test_a_model_improves_a_script_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = ScriptedModels(Narrower())
    run = play(tmp_path, monkeypatch, models, max_steps=4)
    verdicts = [run.step(name).verdict() for name in run.steps()]
    assert [v.kind.value for v in verdicts if v] == ["accepted"] * 4
    assert "WIDTH = 0.1" in run.solution_path.read_text()
    patches = [run.step(name).load("patch") for name in run.steps()]
    assert patches[0]["whole"]
    assert all(patch["whole"] is None and len(patch["edits"]) == 1 for patch in patches[1:])
    events = list(run.events())
    assert [e.data["what"] for e in events if e.kind is EventKind.REASONED] == ["coded"] * 4
    assert {name.split("@")[0] for name in run.record()["prompts"].values()} == {"diagnose", "propose", "judge", "code", "draft"}
    remembered = [e.data for e in events if e.kind is EventKind.REMEMBERED]
    assert [round(d["predicted_gain"], 3) for d in remembered[1:]] == [3.0] * 3
    assert all(d["achieved_gain"] > 0 and d["confidence"] == 0.7 for d in remembered[1:])
    found = [*journal.gradient_checks(events), *journal.patch_checks(events)]
    assert all(check.passed is not False for check in found), [check.line() for check in found]


def test_a_dead_model_leaves_the_run_to_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(ask: Ask[Any]) -> dict[str, Any]:
        raise ModelUnavailable("nobody answers at 127.0.0.1:1")

    models = ScriptedModels(gone)
    run = play(tmp_path, monkeypatch, models, max_steps=3)
    result = run.record()["result"]
    assert result["status"] == "done"
    told = [e.data for e in run.events() if e.kind is EventKind.REASONED]
    assert all(d["what"] == "fallback" and d["to"] == "rules" for d in told)
    assert len(told) == len(models.asked) == 2, "after the second failure in a row the model rests"
    assert run.step("t0-1").solution().recipe is not None  # type: ignore[union-attr]


def test_a_script_that_does_not_run_is_mended_before_it_becomes_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = itertools.count()

    def reply(ask: Ask[Any]) -> dict[str, Any]:
        if ask.role is not Role.CODE:
            return Narrower()(ask)
        if ask.template.startswith("draft"):
            return draft(width(1.0))
        match next(answers):
            case 0:
                return edits(("WIDTH = 9.0", "WIDTH = 0.5"))  # no such line
            case 1:
                assert "anchor: edit 1: the search text is not in the script" in ask.user
                assert "WIDTH = 1.0" in ask.user
                return edits(("WIDTH = 1.0", "WIDTH = undefined"))
            case _:
                assert "name: " in ask.user
                assert "NameError: name 'undefined' is not defined" in ask.user
                return edits(("WIDTH = undefined", "WIDTH = 0.5"))

    run = play(tmp_path, monkeypatch, ScriptedModels(reply), max_steps=2)
    assert run.step("t0-1").verdict().accepted  # type: ignore[union-attr]
    (coded,) = [e.data for e in run.events() if e.kind is EventKind.REASONED and e.step == "t0-1"]
    assert (coded["rounds"], coded["faults"]) == (3, ["anchor", "name"])
    assert [e.step for e in run.events() if e.kind is EventKind.EXECUTED] == ["t0-0", "t0-1"]


def test_no_prompt_holds_an_audit_score_or_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = ScriptedModels(Narrower())
    run = play(tmp_path, monkeypatch, models, max_steps=3)
    prompts = [ask.system + ask.user for ask in models.asked]
    found = journal.closed_world_checks(run, prompts)
    assert all(check.passed for check in found), [check.line() for check in found]
    assert not any("audit" in prompt.lower() or "vault" in prompt.lower() for prompt in prompts)
