"""Behaviours 1 (typed gradient), 5 (patches) and 9 (closed world) as a run's own record tells them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from gome_graph.records import Diagnosis, Event, EventKind, VerdictKind
from gome_graph.run import RunDirectory
from tests.behaviours.checks import Check, at_least, at_most, told

LARGE_CHANGE = 0.4
"""Share of lines from which a step counts as a rewrite (gome.md, behaviour 5)."""
DIGITS = 8
"""So many significant digits of an audit score are looked for: no measured number shares them by chance."""


def gradient_checks(events: Sequence[Event]) -> list[Check]:
    """Behaviour 1: diagnoses validate, their evidence resolves, predictions are logged and scored."""
    raw = {e.step: e.data["diagnosis"] for e in events if e.kind is EventKind.DIAGNOSED}
    valid = {step: d for step, d in ((step, _diagnosis(data)) for step, data in raw.items()) if d is not None}
    kept, lost = sum(len(d.evidence) for d in valid.values()), sum(d.unresolved_evidence for d in valid.values())
    verdicts = {e.step: e.data["verdict"] for e in events if e.kind is EventKind.VALIDATED}
    judged = {step: verdicts[step] for step in valid if step in verdicts and verdicts[step]["kind"] != VerdictKind.STOPPED}
    logged = {e.step: e.data for e in events if e.kind is EventKind.REMEMBERED and e.data.get("predicted_gain") is not None}
    won = {step: float(verdict["kind"] == VerdictKind.ACCEPTED) for step, verdict in judged.items()}
    brier = np.mean([(valid[step].confidence - won[step]) ** 2 for step in judged]) if judged else float("nan")
    pairs = [(d["predicted_gain"], d["achieved_gain"]) for d in logged.values() if d.get("achieved_gain") is not None]
    return [
        at_least(1, "diagnoses that validate", len(valid) / max(len(raw), 1), 1.0, f"{len(raw)} diagnoses"),
        at_least(1, "evidence references that resolve", kept / max(kept + lost, 1), 0.95, f"{kept} of {kept + lost}"),
        at_least(
            1, "judged steps with predicted and achieved gain in the journal", len(judged.keys() & logged.keys()) / max(len(judged), 1), 1.0
        ),
        told(1, "Brier score of confidence", float(brier), f"{len(judged)} steps, {sum(won.values()):.0f} accepted; 0.25 is a coin's"),
        told(1, "predicted against achieved gain, mean difference in noise units", _difference(pairs), f"{len(pairs)} steps with a score"),
    ]


def patch_checks(events: Sequence[Event]) -> list[Check]:
    """Behaviour 5, first half: improving steps are small changes; what the model could not do is said."""
    accepted = {e.step for e in events if e.kind is EventKind.VALIDATED and e.data["verdict"]["kind"] == VerdictKind.ACCEPTED}
    patches = {e.step: e.data["patch"] for e in events if e.kind is EventKind.UPDATED}
    improving = [patch for step, patch in patches.items() if step in accepted]
    small = [patch for patch in improving if patch["share_changed"] < LARGE_CHANGE and not patch["whole"]]
    fallen = {e.step for e in events if e.kind is EventKind.REASONED and e.data["what"] == "fallback"}
    rounds = [e.data["rounds"] for e in events if e.kind is EventKind.REASONED and e.data["what"] == "coded"]
    name, share = f"improving steps that change < {LARGE_CHANGE:.0%} of lines", len(small) / max(len(improving), 1)
    note = f"{len(improving)} improving steps"
    return [
        at_least(5, name, share, 0.8, note) if improving else told(5, name, float("nan"), note),
        told(5, "rounds a script took, mean", float(np.mean(rounds)) if rounds else float("nan"), f"{len(rounds)} scripts by the model"),
        told(5, "steps that fell back to the rules", float(len(fallen)), f"of {len(patches)} updates and the roots"),
    ]  # fmt: skip


def closed_world_checks(run: RunDirectory, prompts: Iterable[str] = ()) -> list[Check]:
    """Behaviour 9: no audit score in any prompt, script, record of a step, or in the journal before the end."""
    secrets = {_digits(value["value"]) for path in run.vault.glob("*.json") if (value := json.loads(path.read_text())) is not None}
    places = {str(path.relative_to(run.root)): path for path in [*run.root.glob("steps/**/*"), run.root / "models.jsonl"] if path.is_file()}
    texts = {name: path.read_bytes().decode("utf-8", "replace") for name, path in places.items()}
    texts |= {f"prompt {number}": prompt for number, prompt in enumerate(prompts)}
    texts["journal"] = "\n".join(event.model_dump_json() for event in run.events() if event.kind is not EventKind.RUN_FINISHED)
    found = [name for name, text in texts.items() if any(secret in text for secret in secrets)]
    return [
        at_least(9, "audit scores looked for", len(secrets), 1, "without any nothing was tested"),
        at_most(9, "places that hold an audit score", len(found), 0, f"{len(texts)} texts {found[:3]}"),
    ]


def checks(root: Path) -> list[Check]:
    """All of a run's directory."""
    run = RunDirectory.open(root)
    events = list(run.events())
    return [*gradient_checks(events), *patch_checks(events), *closed_world_checks(run)]


def _diagnosis(data: dict[str, Any]) -> Diagnosis | None:
    try:
        return Diagnosis.model_validate(data)
    except ValidationError:
        return None


def _difference(pairs: Sequence[tuple[float, float]]) -> float:
    return float(np.mean([predicted - achieved for predicted, achieved in pairs])) if pairs else float("nan")


def _digits(value: float) -> str:
    return f"{value:.12f}".strip("0")[:DIGITS].rstrip(".")
