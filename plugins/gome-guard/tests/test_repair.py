"""The repair loop: learn again with what failed weighted, at most so often, then fall back; and the same with a real policy."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from places import gate
from test_cli import run

from gome_guard.gate.from_bank import Verdict, judge
from gome_guard.gate.repair import GROW, MOST_WEIGHT, Repaired, repair
from gome_guard.log import Distribution
from gome_guard.policies import read_policy
from gome_guard.records import Part, RPSample, Tier

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEGMENTS = ("pay", "play")


def samples(parts: Mapping[str, tuple[Part, ...]]) -> list[RPSample]:
    return [
        RPSample(
            id=f"{segment}-{part.value}-{n}", request=f"{segment}-{part.value}-{n}", candidates=[segment, "call"], accept=[segment],
            reject=["call"], segment=segment, part=part, tier=Tier.A, at=NOW,
        )
        for segment, chosen in parts.items() for part in chosen for n in range(20)
    ]  # fmt: skip


BOTH = dict.fromkeys(SEGMENTS, (Part.TRAIN, Part.GATE))


def does(given: list[RPSample], broken: tuple[str, ...]) -> Distribution:
    """Right on every sample but those of some segments."""
    return {s.request: {s.segment: 0.1, "call": 0.9} if s.segment in broken else {s.segment: 0.9, "call": 0.1} for s in given}


def loop(
    given: list[RPSample], outcomes: list[tuple[str, ...]], rounds: int = 3, incumbent: tuple[str, ...] = ()
) -> tuple[Repaired, list[dict[str, float]]]:
    """Repair a candidate that breaks `outcomes[0]`; learning it for the n-th time gives one that breaks `outcomes[n]`."""
    asked: list[dict[str, float]] = []
    old = does(given, incumbent)

    def learn(number: int, weights: Mapping[str, float]) -> Distribution:
        asked.append(dict(weights))
        return does(given, outcomes[number])

    def check(candidate: Distribution) -> Verdict:
        return judge([s for s in given if s.part is Part.GATE], candidate, old, now=NOW)

    def fall_back(candidate: Distribution, verdict: Verdict) -> Distribution:
        return {s.request: (old if s.segment in verdict.result.failing else candidate)[s.request] for s in given}

    return repair(does(given, outcomes[0]), given, learn, check, fall_back, rounds=rounds)[0], asked


def test_a_candidate_that_passes_is_left_alone() -> None:
    found, asked = loop(samples(BOTH), [()])
    assert (found.decision, len(found.rounds), asked) == ("promote", 1, [])


def test_what_fails_weighs_more_each_time_until_it_is_mended() -> None:
    found, asked = loop(samples(BOTH), [SEGMENTS, ("pay",), ()])
    assert asked == [{"pay": GROW, "play": GROW}, {"pay": GROW * GROW, "play": GROW}]
    assert (found.decision, found.chosen) == ("promote", 2)
    assert found.bits_released == 6


def test_what_is_not_mended_within_the_bound_falls_back_by_segment() -> None:
    found, asked = loop(samples(BOTH), [SEGMENTS, ("pay",), SEGMENTS, ("pay",), ("pay",)], rounds=4)
    assert len(asked) == 4
    assert max(w for weights in asked for w in weights.values()) <= MOST_WEIGHT
    assert (found.decision, found.chosen, found.failing) == ("fallback", 1, ["pay"])


def test_without_training_samples_of_what_fails_nothing_is_learnt_again() -> None:
    found, asked = loop(samples({"pay": (Part.GATE,), "play": (Part.TRAIN, Part.GATE)}), [("pay",)])
    assert (found.decision, asked) == ("fallback", [])
    assert "cannot mend it" in found.reasons[0]


def test_missing_evidence_is_not_repaired_into_a_pass() -> None:
    given = samples({"pay": (Part.TRAIN,)})
    found, asked = loop(given, [("pay",)])
    assert (found.decision, asked) == ("insufficient", [])


@pytest.fixture
def broken(place: Path) -> Path:
    """A policy that sends what must be paid to `call`: its log rewarded that."""
    pytest.importorskip("torch", reason="torch is not installed")
    from gome_guard.bank import Bank
    from gome_guard.policy.from_bank import predictions, train_bank

    with Bank(place / "bank") as bank:
        rows = bank.feedback()
    wrong = [r.model_copy(update={"reward": float(r.action == "call")}) if r.text.startswith("pay") else r for r in rows]
    train_bank(wrong, [], place / "v3.npz", epochs=40)
    assert np.mean([p["call"] > 0.5 for key, p in predictions(place / "v3.npz", rows).items() if int(key[1:]) % 3 == 0]) > 0.3
    return place


def mend(place: Path, *more: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    files = ("--policy", str(place / "v3.npz"), "--incumbent", str(place / "v1.jsonl"), "--out", str(place / "v4.npz"))
    return run("repair", "--bank", str(place / "bank"), *files, "--served", str(place / "v4.jsonl"), *more, capsys=capsys)


def test_a_real_policy_is_mended_and_passes_the_gate(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = mend(broken, capsys=capsys)
    assert (code, found["decision"]) == (0, "promote")
    rounds = found["rounds"]
    assert isinstance(rounds, list)
    assert rounds[0]["decision"] == "block"
    assert gate(broken, "v4", capsys=capsys)[0] == 0
    assert (broken / "v4.npz").is_file()


def test_without_rounds_the_incumbent_stays_where_it_fails(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = mend(broken, "--rounds", "0", "--strict", capsys=capsys)
    assert (code, found["decision"], found["policy"]) == (1, "fallback", None)
    assert not (broken / "v4.npz").exists()
    code, found = mend(broken, "--rounds", "0", capsys=capsys)
    assert (code, found["failing"]) == (0, ["pay"])
    served, old = read_policy(broken / "v4.jsonl"), read_policy(broken / "v1.jsonl")
    assert served["r0"] == old["r0"]
    assert gate(broken, "v4", capsys=capsys)[0] == 0
