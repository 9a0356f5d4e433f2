"""A place with a log, a bank and policies, as a deployment pipeline has them."""

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


def gate(place: Path, candidate: str, *more: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    files = ("--candidate", str(place / f"{candidate}.jsonl"), "--incumbent", str(place / "v1.jsonl"))
    return run("gate", "--bank", str(place / "bank"), *files, *more, capsys=capsys)


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
