"""Runs and benches on a cluster do what they do on this machine: same steps, same verdicts, same scores."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.bench.rows import CLOCK

pytest.importorskip("ray", reason="NOT TESTED: Ray is not installed; pip install -r requirements/test.txt")


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A small binary task."""
    random = np.random.default_rng(3)
    a, b, c = random.normal(size=(3, 600))
    outcome = np.where(random.random(600) < 1 / (1 + np.exp(-(1.5 * a - b * (c > 0)))), "yes", "no")
    frame = pd.DataFrame({"id": np.arange(600), "a": a, "b": b, "c": c, "outcome": outcome})
    folder = tmp_path / "shop"
    folder.mkdir()
    frame[:500].to_csv(folder / "train.csv", index=False)
    frame[500:].drop(columns="outcome").to_csv(folder / "test.csv", index=False)
    frame[500:][["id"]].assign(outcome=0.5).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.toml").write_text('name = "shop"\ntarget = ["outcome"]\nid = "id"\nmetric = "log loss"\n')
    return folder


def table(task: Path, out: Path, executor: str) -> list[tuple[str, str, float | None]]:
    """Step, verdict and score of a run counted in steps."""
    command = [
        sys.executable, "-m", "gome_graph.cli", "run", str(task), "--out", str(out), "--executor", executor, "--traces", "1", "--max-steps",
        "3", "--budget", "600s", "--cpus", "1", "--no-memory", "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "GOME_PLUGINS": "ray", "RAY_ADDRESS": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = []
    for path in sorted(out.glob("steps/*/verdict.json")):
        verdict = json.loads(path.read_text())
        lines.append((path.parent.name, verdict["kind"], (verdict["score"] or {}).get("value")))
    assert (out / "submission.csv").is_file()
    return lines


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.timeout(1300)
def test_a_run_on_a_cluster_gives_the_table_of_a_run_here(task: Path, tmp_path: Path) -> None:
    here = table(task, tmp_path / "here", "local")
    there = table(task, tmp_path / "there", "ray")
    assert len(here) == 3
    assert there == here


def bench(out: Path, executor: str) -> list[dict[str, object]]:
    """Rows of a small bench without what the clock says."""
    command = [
        sys.executable, "-m", "gome_graph.cli", "bench", "linear", "--strategies", "gradient,tree", "--steps", "3", "--out", str(out),
        "--executor", executor, "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "GOME_PLUGINS": "ray,memory", "RAY_ADDRESS": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = pd.read_parquet(out / "rows.parquet")
    found: list[dict[str, object]] = json.loads(rows.drop(columns=[name for name in CLOCK if name in rows]).to_json(orient="records"))
    return found


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.timeout(1900)
def test_a_bench_on_a_cluster_gives_the_table_of_a_bench_here(tmp_path: Path) -> None:
    here = bench(tmp_path / "here", "local")
    there = bench(tmp_path / "there", "ray")
    assert [row["steps"] for row in here] == [3, 3]
    assert there == here
