"""What is served while a candidate is not good enough: fallback, lessons that overrule, and rewards that are not believed yet."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import ACTIONS, gate, lines
from test_cli import run

from gome_graph.errors import TaskError
from gome_guard.bank import Bank
from gome_guard.gate.table import OverrideTable
from gome_guard.log import build
from gome_guard.policies import read_policy
from gome_guard.records import Feedback, Part, Tier
from gome_guard.watch import watch, windows_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def serve(place: Path, candidate: str, *more: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    files = ("--candidate", str(place / f"{candidate}.jsonl"), "--incumbent", str(place / "v1.jsonl"), "--out", str(place / "served.jsonl"))
    return run("serve", "--bank", str(place / "bank"), *files, *more, capsys=capsys)


def test_the_incumbent_stays_where_the_candidate_fails_and_nowhere_else(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = serve(place, "bad", capsys=capsys)
    assert (code, found["candidate"], found["decision"]) == (0, "block", "pass")
    assert found["plan"]["failing"] == ["pay"]
    served, new, old = (read_policy(place / f"{name}.jsonl") for name in ("served", "bad", "v1"))
    stays = {key for key, p in old.items() if max(p, key=lambda a: p[a]) == "pay"}
    assert len(stays) == found["plan"]["from_incumbent"] == 200
    assert all(served[key] == (old if key in stays else new)[key] for key in new)
    assert gate(place, "served", capsys=capsys)[0] == 0


def test_nothing_is_served_of_a_candidate_that_says_nothing_about_a_request(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (place / "good.jsonl").read_text().splitlines()
    (place / "short.jsonl").write_text("\n".join(rows[:-1]) + "\n")
    code, found = serve(place, "short", capsys=capsys)
    assert code == 2
    assert "says nothing about request 'r599'" in found["error"]
    assert not (place / "served.jsonl").exists()


def live(text: str, candidates: list[str] | None = None) -> Feedback:
    return Feedback(
        id="live", at=NOW, policy="v3", text=text, candidates=candidates or list(ACTIONS), action="play", propensity=1, reward=0
    )


def test_a_lesson_overrules_a_service_near_it_until_it_expires(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = place / "overrides.npz"
    code, found = run("override", "--bank", str(place / "bank"), "--out", str(path), capsys=capsys)
    assert code == 0
    with Bank(place / "bank") as bank:
        train = {s.id for s in bank.samples(Part.TRAIN) if not s.mined}
    assert {e["sample"] for e in found["entries"]} == train
    table = OverrideTable.load(path)
    near = live(table.entries[0].text)
    assert [o.becomes for o in table.choose([near], ["call"], NOW)] == ["pay"]
    assert not table.choose([near], ["play"], NOW), "the sample rejects call, not play"
    assert not table.choose([near], ["pay"], NOW), "a policy that does right is left alone"
    assert not table.choose([live("play some green music")], ["call"], NOW), "far from every lesson"
    assert not table.choose([live(table.entries[0].text, ["call", "play"])], ["call"], NOW), "nothing accepted is on offer"
    over = [e.model_copy(update={"expires": NOW - timedelta(days=1)}) for e in table.entries]
    assert not OverrideTable(over, table.x, table.text).choose([near], ["call"], NOW)


def test_what_is_served_is_overruled_by_the_table(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = place / "overrides.npz"
    run("override", "--bank", str(place / "bank"), "--out", str(path), "--tier", "A", capsys=capsys)
    with Bank(place / "bank") as bank:
        slip = next(s.request for s in bank.samples(Part.TRAIN) if s.tier is Tier.A)
    rows = [json.loads(line) for line in (place / "v1.jsonl").read_text().splitlines()]
    wrong = {"id": slip, "probabilities": {"call": 0.9, "pay": 0.1}}  # one request alone: the gate lets it pass, a lesson need not
    lines(place / "slip.jsonl", [wrong if row["id"] == slip else row for row in rows])
    code, found = serve(place, "slip", "--overrides", str(path), capsys=capsys)
    assert code == 0
    over = {o["request"]: o["becomes"] for o in found["plan"]["overruled"]}
    assert over == {slip: "pay"}
    assert read_policy(place / "served.jsonl")[slip] == {"pay": 1.0, "play": 0.0, "call": 0.0}


def test_a_file_that_is_no_table_is_refused_in_a_sentence(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "x.npz").write_bytes(b"PK\x03\x04 nothing")
    code, found = serve(place, "good", "--overrides", str(place / "x.npz"), capsys=capsys)
    assert code == 2
    assert "is not a table that" in found["error"]


REWARDS = {"steady": [0.8] * 5, "blip": [0.8, 0.8, 0.2, 0.8, 0.8], "moved": [0.8, 0.8, 0.2, 0.2, 0.2], "late": [0.8, 0.8, 0.8, 0.8, 0.2]}
"""Mean reward of each action by window."""


def windowed(n: int = 60) -> list[dict[str, Any]]:
    """Five days of decisions, as many of each action a day; rewards as in `REWARDS`."""
    rng, rows = np.random.default_rng(0), []
    for day in range(5):
        for i in range(4 * n):
            action = list(REWARDS)[i % 4]
            at = datetime(2026, 1, 1 + day, tzinfo=UTC) + timedelta(seconds=60 * i)
            rows.append(
                {"id": f"d{day}-{i}", "at": at.isoformat(), "policy": f"v{day}", "candidates": list(REWARDS), "action": action,
                 "propensity": 0.9, "reward": float(rng.random() < REWARDS[action][day]), "features": [float(a == action) for a in REWARDS]}
            )  # fmt: skip
    return rows


@pytest.mark.parametrize("cut", [(), ("--days", "1")])
def test_a_jump_is_held_until_it_is_confirmed_or_gone(cut: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank = ("--bank", str(tmp_path / "bank"))
    run("ingest", *bank, "--log", str(lines(tmp_path / "log.jsonl", windowed())), capsys=capsys)
    code, found = run("quarantine", *bank, *cut, "--out", str(tmp_path / "held.json"), capsys=capsys)
    assert code == 0
    assert found == json.loads((tmp_path / "held.json").read_text())
    third, fourth = found["windows"][2], found["windows"][3]
    assert {"blip", "moved"} <= set(third["held"])
    assert "steady" not in third["held"]
    assert ("moved" in fourth["confirmed"], "blip" in fourth["dropped"]) == (True, True)
    assert "late" in found["held"]
    doubted = {(key.split("-")[0], list(REWARDS)[int(key.split("-")[1]) % 4]) for key in found["doubted"]}
    assert {("d2", "blip"), ("d4", "late")} <= doubted
    assert not any(action == "moved" and day in ("d2", "d3") for day, action in doubted), "a confirmed change is believed after all"
    assert run("quarantine", *bank, "--strict", capsys=capsys)[0] == 1


def test_one_window_is_no_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank = ("--bank", str(tmp_path / "bank"))
    run("ingest", *bank, "--log", str(lines(tmp_path / "log.jsonl", windowed())), capsys=capsys)
    code, found = run("quarantine", *bank, "--days", "30", capsys=capsys)
    assert code == 2
    assert "give fewer days" in found["error"]


def test_exploring_rows_of_a_held_action_are_not_believed_either() -> None:
    rows = [Feedback.model_validate(row) for row in windowed()]
    aside = [
        row.model_copy(update={"id": f"x{i}", "action": "steady", "propensity": 0.05, "logging": [0.05, 0.85, 0.05, 0.05]})
        for i, row in enumerate(r for r in rows if r.action == "blip")
    ]
    full = [r.model_copy(update={"logging": [0.9 if a == r.action else 0.1 / 3 for a in REWARDS]}) for r in rows]
    log = build(sorted([*full, *aside], key=lambda row: row.at))
    found = watch(log, windows_of(log, 1))
    assert {f"x{i}" for i in range(120, 180)} <= set(found.doubted), "in window 3 they belong to the traffic of blip"


def test_what_is_held_is_read_from_nothing_else(tmp_path: Path) -> None:
    from gome_guard.watch import read_watch

    (tmp_path / "h.json").write_text('{"held": 3}')
    with pytest.raises(TaskError, match="is not what `gome guard quarantine --out` writes"):
        read_watch(tmp_path / "h.json")


def test_training_holds_to_the_incumbent_where_the_reward_is_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    rows = windowed()
    bank, held = ("--bank", str(tmp_path / "bank")), str(tmp_path / "held.json")
    run("ingest", *bank, "--log", str(lines(tmp_path / "log.jsonl", rows)), capsys=capsys)
    run("quarantine", *bank, "--out", held, capsys=capsys)
    lines(
        tmp_path / "v1.jsonl", [{"id": r["id"], "probabilities": {a: 0.9 if a == r["action"] else 0.1 / 3 for a in REWARDS}} for r in rows]
    )
    args = ("train", *bank, "--incumbent", str(tmp_path / "v1.jsonl"), "--loss", "ips", "--epochs", "30")
    shares = {}
    for name, more in (("free", ()), ("held", ("--held", held))):
        files = ("--out", str(tmp_path / f"{name}.npz"), "--predict", str(tmp_path / f"{name}.jsonl"))
        assert run(*args, *files, *more, capsys=capsys)[0] == 0
        found = read_policy(tmp_path / f"{name}.jsonl")
        shares[name] = float(np.mean([found[r["id"]]["late"] for r in rows if r["action"] == "late"]))
    assert abs(shares["held"] - 0.9) < 0.06
    assert abs(shares["held"] - 0.9) <= abs(shares["free"] - 0.9)
