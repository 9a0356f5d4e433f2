"""The main job through the real command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from tests.e2e.conftest import Gome, events


def comparable(run: Path) -> list[dict[str, object]]:
    """The journal without what the clock decides."""
    clock = (
        "wall_seconds",
        "cpu_seconds",
        "peak_memory_bytes",
        "seconds",
        "spent_seconds",
        "seconds_left",
        "at",
        "elapsed",
        "cost_seconds",
        "kept_seconds",
    )

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k not in clock}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return [strip(e) for e in events(run)]  # type: ignore[misc]


def test_a_run_ends_with_script_submission_and_report(task: Path, gome: Gome, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = gome("run", task, "--out", out, "--budget", "60s", "--max-steps", "3", "--traces", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["score"]["value"] > 0
    for name in ("solution", "submission", "report"):
        assert Path(result["files"][name]).is_file()
    by_hand = subprocess.run(
        [sys.executable, "solution.py"], cwd=out, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=120, check=False
    )
    assert by_hand.returncode == 0, by_hand.stderr
    again = pd.read_csv(out / "output" / "submission.csv")
    assert set(again["id"]) == set(pd.read_csv(out / "submission.csv")["id"])
    assert "gome_graph" not in (out / "solution.py").read_text()
    assert list((out / "members").glob("*.npz")), "members' predictions are kept for later steps"
    assert not list(out.glob("steps/*/work/**/kept")), "and do not lie about in workspaces"


def test_the_same_seed_gives_the_same_journal(task: Path, gome: Gome, tmp_path: Path) -> None:
    runs = []
    for name in ("one", "two"):
        out = tmp_path / name / "run"
        done = gome("run", task, "--out", out, "--budget", "5m", "--max-steps", "2", "--traces", "1", "--no-memory", "--quiet")
        assert done.returncode == 0, done.stderr
        runs.append([e for e in comparable(out) if e["kind"] not in ("run_finished", "run_started")])
    assert runs[0] == runs[1]


def test_no_audit_score_is_written_outside_the_vault_before_the_end(task: Path, gome: Gome, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert gome("run", task, "--out", out, "--budget", "60s", "--max-steps", "2", "--traces", "1", "--quiet").returncode == 0
    scores = [json.loads(p.read_text()) for p in (out / "vault").glob("*.json")]
    digits = {f"{s['value']:.12f}"[:12] for s in scores if s}
    assert digits
    for path in [*out.glob("steps/*/*.json"), *out.glob("steps/*/work/*"), *out.glob("memory/*")]:
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            assert not any(d in text for d in digits), path
    told = [json.dumps(e["data"]) for e in events(out) if e["kind"] != "run_finished"]
    assert not any(d in line for d in digits for line in told)
