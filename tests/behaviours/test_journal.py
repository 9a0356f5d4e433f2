"""The checks of behaviours 1, 5 and 9 find what is planted; runs of the model tests must pass them."""

import json
from pathlib import Path
from typing import Any

from gome_graph.records import Event, EventKind, StepId
from gome_graph.run import RunDirectory
from tests.behaviours import journal

DIAGNOSIS = {
    "cause": "c", "direction": "d", "component": "model", "confidence": 0.8, "expected_gain": 2.0,
    "evidence": [{"ref": "score.value", "value": 1.0}] * 19,
}  # fmt: skip


def events(kind: str = "accepted", share: float = 0.1, whole: bool = False, **diagnosis: Any) -> list[Event]:
    step = StepId("t0-1")

    def event(n: int, kind: EventKind, **data: Any) -> Event:
        return Event(n=n, kind=kind, trace=0, step=step, at="", elapsed=0.0, data=data)

    return [
        event(0, EventKind.DIAGNOSED, diagnosis={**DIAGNOSIS, **diagnosis}),
        event(1, EventKind.UPDATED, patch={"edits": 1, "whole": whole, "share_changed": share}),
        event(2, EventKind.VALIDATED, verdict={"kind": kind}),
        event(3, EventKind.REMEMBERED, predicted_gain=2.0, achieved_gain=1.5, confidence=0.8),
    ]


def test_a_sound_journal_passes_with_its_figures() -> None:
    found = journal.gradient_checks(events(unresolved_evidence=1))
    assert all(check.passed is not False for check in found), [check.line() for check in found]
    assert [check.figure for check in found][1:2] == [0.95]
    assert round(found[3].figure, 3) == 0.04
    assert found[4].figure == 0.5


def test_evidence_that_does_not_resolve_is_missed() -> None:
    assert journal.gradient_checks(events(unresolved_evidence=2))[1].passed is False


def test_a_diagnosis_that_does_not_validate_is_missed() -> None:
    assert journal.gradient_checks(events(confidence=7.0))[0].passed is False


def test_a_step_without_its_prediction_is_missed() -> None:
    assert journal.gradient_checks(events()[:-1])[2].passed is False


def test_rewrites_are_missed_and_rejected_ones_do_not_count() -> None:
    assert journal.patch_checks(events(share=0.1))[0].passed
    assert journal.patch_checks(events(share=0.5))[0].passed is False
    assert journal.patch_checks(events(share=0.1, whole=True))[0].passed is False
    assert journal.patch_checks([*events(kind="not_better", share=0.9)])[0].note == "0 improving steps"


def test_an_audit_score_in_a_prompt_is_found(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    run = RunDirectory.open(tmp_path)
    run.vault.mkdir()
    (run.vault / "t0-0.0.json").write_text(json.dumps({"value": 0.7316284512}))
    assert journal.closed_world_checks(run, ["score 0.7316"])[1].passed
    assert journal.closed_world_checks(run, ["hidden: 0.73162845"])[1].passed is False
    (tmp_path / "models.jsonl").write_text('{"turns": [["user", "0.73162845123"]]}')
    assert journal.closed_world_checks(run)[1].passed is False
