"""C14: what is sealed stays sealed, whatever the commands do, and a gate tells one bit a segment."""

import json
from pathlib import Path

import pytest
from places import gate, policy
from test_cli import run

from gome_guard.bank import SEALED_NAME, Bank


def files_with(root: Path, words: set[str]) -> list[str]:
    """Files below `root`, but for the sealed database, that hold one of the words."""
    kept = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(SEALED_NAME)]
    return [path.name for path in kept if any(word.encode() in path.read_bytes() for word in words)]


def sealed_ids(place: Path) -> set[str]:
    with Bank(place / "bank", sealed=True) as bank:
        return {sample.id for sample in bank.samples()}


def test_no_command_tells_of_a_sealed_sample(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    canaries, bank = sealed_ids(place), ("--bank", str(place / "bank"))
    assert len(canaries) > 5
    said = [gate(place, name, "--out", str(place / f"{name}.html"), capsys=capsys)[1] for name in ("good", "bad")]
    files = ("--candidate", str(place / "bad.jsonl"), "--incumbent", str(place / "v1.jsonl"), "--out", str(place / "served.jsonl"))
    said += [run("serve", *bank, *files, capsys=capsys)[1], run("override", *bank, "--out", str(place / "o.npz"), capsys=capsys)[1]]
    said += [run("disputes", *bank, capsys=capsys)[1], run("report", *bank, "--out", str(place / "r.json"), capsys=capsys)[1]]
    assert not any(key in json.dumps(said) for key in canaries)
    assert files_with(place, canaries) == []


def test_the_search_finds_what_is_there(place: Path) -> None:
    key = sealed_ids(place).pop()
    (place / "leak.txt").write_text(f"it is {key}")
    assert files_with(place, {key}) == ["leak.txt"]


@pytest.mark.slow
def test_a_hundred_candidates_learn_one_bit_a_segment_each(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    canaries = sealed_ids(place)
    rows = [json.loads(line) for line in (place / "log.jsonl").read_text().splitlines()]
    for n in range(100):
        policy(place / "c.jsonl", rows, {"pay": n / 100}, sure=0.8 + n / 1000)
        found = gate(place, "c", capsys=capsys)[1]
        assert found["bits_released"] == len(found["result"]["segments"])
        assert not any(key in json.dumps(found) for key in canaries)
    with Bank(place / "bank") as bank:
        assert bank.count("verdicts") == 100
    assert files_with(place, canaries) == []
