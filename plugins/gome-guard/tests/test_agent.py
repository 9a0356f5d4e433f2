"""The promotion gate of a run: a slice lost once becomes a case, lost again it blocks; a real run meets it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome_graph.hooks import GateFacts
from gome_graph.records import Solution, StepId, Verdict, VerdictKind
from gome_guard.agent.cases import CaseSettings, aged, lost_slices, make_case, repeated
from gome_guard.agent.gate import FOLDER, validate
from gome_guard.agent.slices import clusters, cuts, identities
from gome_guard.bank import Bank
from gome_guard.records import Status


def table(n: int = 1000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 10, n)
    return pd.DataFrame({"a": kind + 0.1 * rng.normal(size=n), "b": rng.normal(size=n), "c": np.array(list("xyz"))[kind % 3]})


def losses(n: int = 1000, seed: int = 1, worse: np.ndarray | None = None, by: float = 0.0, better: float = 0.05) -> np.ndarray:
    base = np.random.default_rng(0).gamma(2, 0.3, n)
    noise = 0.02 * np.random.default_rng(seed).normal(size=n)
    return base + noise - better + (0 if worse is None else by * worse)


def step(name: str) -> Solution:
    return Solution(step=StepId(name), trace=0, script="print()")


class Run:
    """A run directory and the arrays of its steps."""

    def __init__(self, root: Path, frame: pd.DataFrame | None = None) -> None:
        self.root, self.frame, self.steps = root, table() if frame is None else frame, dict[str, np.ndarray]()

    def judge(self, name: str, loss: np.ndarray, incumbent: str | None) -> Verdict | None:
        self.steps[name] = loss
        facts = GateFacts(
            self.root,
            StepId(incumbent) if incumbent else None,
            lambda s: SimpleNamespace(frame=self.frame, row_losses=self.steps[s], format=SimpleNamespace(targets=["y"])),
        )
        return validate(step(name), Verdict(kind=VerdictKind.ACCEPTED, reason="better"), facts)


def broken(frame: pd.DataFrame) -> np.ndarray:
    return (frame["a"].round() == 3).to_numpy()


def test_the_first_loss_becomes_a_case_and_the_second_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)
    bad = broken(run.frame)
    assert run.judge("t0-0", losses(seed=1, better=0), None) is None
    assert run.judge("t0-1", losses(seed=2, worse=bad, by=0.45), "t0-0") is None
    assert run.judge("t0-2", losses(seed=3, better=0.1), "t0-1") is None
    found = run.judge("t0-3", losses(seed=4, worse=bad, by=0.45, better=0.2), "t0-2")
    assert found is not None
    assert found.kind is VerdictKind.VETOED
    assert "t0-1 made worse lose again" in found.reason
    assert run.judge("t0-4", losses(seed=5, better=0.2), "t0-2") is None
    with Bank(tmp_path / FOLDER) as bank:
        bank.verify()


def test_a_slice_is_ruined_not_even_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.judge("t0-0", losses(seed=1, better=0), None)
    found = run.judge("t0-1", losses(seed=2, worse=clusters(run.frame) == 1, by=0.8, better=0.1), "t0-0")
    assert found is not None
    assert "ruins a slice" in found.reason


def test_a_step_that_is_judged_again_after_a_kill_counts_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    bad = broken(run.frame)
    run.judge("t0-0", losses(seed=1, better=0), None)
    run.judge("t0-1", losses(seed=2, worse=bad, by=0.45), "t0-0")
    first = run.judge("t0-2", losses(seed=4, worse=bad, by=0.45), "t0-0")
    with Bank(tmp_path / FOLDER) as bank:
        events = bank.count("events")
    assert run.judge("t0-2", losses(seed=4, worse=bad, by=0.45), "t0-0") == first
    with Bank(tmp_path / FOLDER) as bank:
        assert bank.count("events") == events


def test_a_case_that_refuses_three_times_is_disputed_and_lets_the_fourth_pass(tmp_path: Path) -> None:
    run = Run(tmp_path)
    bad = broken(run.frame)
    run.judge("t0-0", losses(seed=1, better=0), None)
    run.judge("t0-1", losses(seed=2, worse=bad, by=0.45), "t0-0")
    refused = [run.judge(f"t0-{n}", losses(seed=n, worse=bad, by=0.45), "t0-0") is not None for n in range(2, 6)]
    assert refused == [True, True, True, False]


def test_a_case_that_never_fires_expires() -> None:
    frame = table()
    where = cuts(frame)
    lost = lost_slices(losses(seed=1, better=0), losses(seed=2, worse=broken(frame), by=0.45), where)
    case = make_case("t0-1", lost[0], identities(frame), where)
    for _ in range(CaseSettings().expires_after):
        case = aged(case, fired=False)
    assert case.status is Status.STALE
    assert not repeated([case], losses(seed=1, better=0), losses(seed=3, worse=broken(frame), by=2.0), identities(frame))


def test_another_seed_of_the_same_step_makes_no_case() -> None:
    where, found = cuts(table()), 0
    for seed in range(100):
        found += bool(lost_slices(losses(seed=seed, better=0), losses(seed=1000 + seed, better=0), where))
    assert found <= 5


def test_rows_are_found_by_content_not_by_position() -> None:
    frame = table()
    where = cuts(frame)
    lost = lost_slices(losses(seed=1, better=0), losses(seed=2, worse=broken(frame), by=0.45), where)
    case = make_case("t0-1", lost[0], identities(frame), where)
    order = np.random.default_rng(0).permutation(len(frame))
    shuffled = frame.iloc[order].reset_index(drop=True)
    old, new = losses(seed=1, better=0)[order], losses(seed=3, worse=broken(frame), by=0.45)[order]
    assert [c.id for c, _ in repeated([case], old, new, identities(shuffled))] == [case.id]


def test_a_fault_that_one_column_alone_tells_is_seen_and_named_once() -> None:
    """Clusters scatter such rows; the column's own values, its missing ones and quintiles of numbers do not."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{n}": rng.normal(size=2000) for n in range(8)}).assign(shop=rng.choice(list("abcdefghij"), 2000))
    frame.loc[rng.random(2000) < 0.05, "x3"] = np.nan
    ways = cuts(frame)
    old = rng.gamma(2.0, 0.25, 2000)
    for bad in (frame["shop"] == "c", frame["x3"].isna(), frame["x5"].rank(pct=True) > 0.8):
        new = old + rng.normal(-0.05, 0.1, 2000) + np.where(bad, 0.5, 0.0)
        found = lost_slices(old, new, ways)
        assert len(found) == 1
        assert (found[0].of(ways) == bad).mean() > 0.99


def test_slices_are_of_inputs_alone(tmp_path: Path) -> None:
    """An update that gets another class wrong than before, and fewer rows in all, ruins no slice."""
    frame = table().assign(y=np.arange(len(table())) % 4)
    old = np.where(frame["y"] == 0, 1.0, 0.2)
    new = np.where(frame["y"] == 1, 0.9, 0.15)
    run = Run(tmp_path, frame)
    run.judge("t0-0", old, None)
    assert run.judge("t0-1", new, "t0-0") is None


def test_slices_are_of_about_fifty_rows_and_always_the_same() -> None:
    frame = table(2000)
    first = clusters(frame)
    assert np.array_equal(first, clusters(frame))
    assert 20 <= np.median(np.bincount(first)) <= 120


@pytest.mark.slow
def test_a_real_run_goes_through_the_gate(tmp_path: Path) -> None:
    """`gome run` with the plugin: every step that replaced an incumbent was judged, and the trail holds."""
    import subprocess
    import sys

    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 4))
    frame = pd.DataFrame(x, columns=list("abcd"))
    frame["y"] = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=900) > 0).astype(int)
    frame.to_csv(tmp_path / "train.csv", index_label="id")
    args = ["run", "--train", str(tmp_path / "train.csv"), "--target", "y", "--metric", "log_loss", "--budget", "90s", "--traces", "1"]
    code = (
        f"import sys; from gome_graph.cli import main; sys.argv = ['gome', *{[*args, '--out', str(tmp_path / 'run'), '--json']!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    accepted: list[Any] = [e["step"] for e in events if e["kind"] == "validated" and e["data"]["verdict"]["kind"] in ("accepted", "vetoed")]
    with Bank(tmp_path / "run" / FOLDER) as bank:
        bank.verify()
        judged = [json.loads(text)["key"] for text in bank.verdicts()]
    assert judged == accepted[1:]
