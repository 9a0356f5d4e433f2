"""The deployment pipeline: incidents to samples to a gate with exit codes, reports that show tampering, disputes."""

import json
from pathlib import Path

import pytest
from places import gate, lines, policy
from test_cli import run


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
