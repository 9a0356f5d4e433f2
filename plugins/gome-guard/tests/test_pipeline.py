"""The deployment pipeline: incidents to samples to a gate with exit codes, reports that show tampering, disputes."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from test_cli import run

ACTIONS = ("pay", "play", "call")
TEXTS = {"pay": "pay my {} bill", "play": "play some {} music", "call": "call my {} friend"}
WORDS = ["old", "blue", "quick", "late", "small", "fine", "green", "early", "loud", "next", "warm", "cold", "tall", "kind", "dry", "odd"]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def policy(path: Path, rows: list[dict[str, Any]], broken: dict[str, float], sure: float = 0.9) -> Path:
    """Right everywhere but on a share of some actions' requests, where it says `call`."""
    rng = random.Random(1)
    out = []
    for row in rows:
        right = row["text"].split()[0]
        choice = "call" if rng.random() < broken.get(right, 0.0) else right
        out.append({"id": row["id"], "probabilities": {a: sure if a == choice else (1 - sure) / 2 for a in ACTIONS}})
    return lines(path, out)


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A bank with a log in which `pay` was sent to `call`, and people who complain."""
    rng = random.Random(0)
    log, incidents = [], []
    for i in range(600):
        right = ACTIONS[i % 3]
        action = "call" if right == "pay" and i % 2 else right
        text = TEXTS[right].format(" ".join(rng.sample(WORDS, 2)))
        at = f"2026-01-{1 + i // 60:02d}T10:{i % 60:02d}:00Z"
        log.append({"id": f"r{i}", "at": at, "policy": "v2", "text": text, "candidates": list(ACTIONS), "action": action,
                    "propensity": 0.9, "reward": float(action == right)})  # fmt: skip
        if action != right and rng.random() < 0.8:
            incidents.append({"id": f"i{i}", "request": f"r{i}", "at": "2026-02-01T00:00:00Z", "expected": ["pay"], "claimed_by": f"u{i}"})
        elif rng.random() < 0.1:
            incidents.append({"id": f"i{i}", "request": f"r{i}", "at": "2026-02-01T00:00:00Z", "expected": ["play"], "claimed_by": f"u{i}"})
    lines(tmp_path / "log.jsonl", log)
    lines(tmp_path / "incidents.jsonl", incidents)
    policy(tmp_path / "v1.jsonl", log, {})
    lines(tmp_path / "v2.jsonl", [{"id": r["id"], "action": r["action"]} for r in log])
    policy(tmp_path / "good.jsonl", log, {"call": 0.02})
    policy(tmp_path / "bad.jsonl", log, {"pay": 0.5})
    args = ("--bank", str(tmp_path / "bank"))
    code, _ = run("ingest", *args, "--log", str(tmp_path / "log.jsonl"), "--incidents", str(tmp_path / "incidents.jsonl"), capsys=capsys)
    assert code == 0
    code, found = run("curate", *args, "--before", str(tmp_path / "v1.jsonl"), "--after", str(tmp_path / "v2.jsonl"), capsys=capsys)
    assert code == 0
    assert found["tiers"]["A"] > 30
    assert found["parts"]["gate"] > 10
    return tmp_path


def gate(place: Path, candidate: str, *more: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    files = ("--candidate", str(place / f"{candidate}.jsonl"), "--incumbent", str(place / "v1.jsonl"))
    return run("gate", "--bank", str(place / "bank"), *files, *more, capsys=capsys)


def test_a_candidate_that_repeats_the_incident_is_blocked_and_a_good_one_passes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = gate(place, "bad", capsys=capsys)
    assert (code, found["result"]["decision"]) == (1, "block")
    assert found["result"]["segments"][0]["segment"] == "pay"
    code, found = gate(place, "good", capsys=capsys)
    assert (code, found["result"]["decision"]) == (0, "pass")
    assert found["result"]["segments"][0]["power_30"] is not None


def test_the_same_inputs_give_the_same_verdict_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again = gate(place, "bad", capsys=capsys)[1], gate(place, "bad", capsys=capsys)[1]
    assert first["id"] == again["id"]
    from gome_guard.bank import Bank

    with Bank(place / "bank") as bank:
        assert bank.count("verdicts") == 1


def test_a_policy_that_does_not_say_what_it_does_never_passes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines(place / "silent.jsonl", [{"id": "elsewhere", "action": "pay"}])
    code, found = gate(place, "silent", capsys=capsys)
    assert (code, found["result"]["decision"]) == (2, "insufficient")


def test_a_dry_run_changes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (place / "bank" / "bank.sqlite").read_bytes()
    args = ("--before", str(place / "v1.jsonl"), "--after", str(place / "v2.jsonl"), "--dry-run")
    code, found = run("curate", "--bank", str(place / "bank"), *args, capsys=capsys)
    assert code == 0
    assert [s["stage"] for s in found["stages"]][:2] == ["raw", "eligible"]
    assert (place / "bank" / "bank.sqlite").read_bytes() == before


def test_a_report_that_was_changed_shows(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate(place, "bad", "--out", str(place / "v.html"), capsys=capsys)
    report, bank = place / "v.json", ("--bank", str(place / "bank"))
    assert run("report", *bank, "--out", str(report), capsys=capsys)[0] == 0
    assert "BLOCK" in (place / "v.html").read_text()
    first = report.read_bytes()
    run("report", *bank, "--out", str(report), capsys=capsys)
    assert report.read_bytes() == first
    assert run("report", *bank, "--verify", str(report), capsys=capsys)[1]["valid"]
    report.write_text(report.read_text().replace('"block"', '"pass"'))
    code, found = run("report", *bank, "--verify", str(report), capsys=capsys)
    assert code == 2
    assert "was changed since it was signed" in found["error"]


def test_a_sample_that_stands_against_three_better_candidates_is_disputed_and_a_person_settles_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "gain.json").write_text(json.dumps({"lower_bound": 0.02}))
    rows = [json.loads(line) for line in (place / "log.jsonl").read_text().splitlines()]
    for n in range(3):
        policy(place / f"c{n}.jsonl", rows, {"pay": 1.0}, sure=0.9 - 0.01 * n)
        assert gate(place, f"c{n}", "--evaluation", str(place / "gain.json"), capsys=capsys)[0] == 1
    bank = ("--bank", str(place / "bank"))
    found = run("disputes", *bank, capsys=capsys)[1]["disputed"]
    assert found
    assert gate(place, "c0", capsys=capsys)[1]["result"]["decision"] == "warn"
    key = found[0]["id"]
    assert run("disputes", *bank, "--retire", key, capsys=capsys)[0] == 2  # without a reason
    assert run("disputes", *bank, "--retire", key, "--reason", "gone", "--by", "kim", capsys=capsys)[1]["status"] == "retired"
    assert key not in {s["id"] for s in run("disputes", *bank, capsys=capsys)[1]["disputed"]}


def test_sealed_samples_are_nowhere_but_in_the_sealed_part(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gome_guard.bank import Bank
    from gome_guard.records import Part

    with Bank(place / "bank", sealed=True) as sealed, Bank(place / "bank") as bank:
        kept = sealed.samples()
        assert kept
        assert {s.part for s in kept} == {Part.SEALED}
        assert not {s.id for s in kept} & {s.id for s in bank.samples()}
        assert not {s.cluster for s in kept} & {s.cluster for s in bank.samples()}
        assert not any(s.id in event.key for event in bank.events() for s in kept)
    _, found = gate(place, "bad", capsys=capsys)
    assert not {s.id for s in kept} & {s["id"] for s in found["result"]["samples"]}


def test_training_teaches_the_samples(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    args = ("--bank", str(place / "bank"), "--out", str(place / "v3.npz"), "--predict", str(place / "v3.jsonl"))
    code, _ = run("train", *args, capsys=capsys)
    assert code == 0
    assert gate(place, "v3", capsys=capsys)[0] == 0
