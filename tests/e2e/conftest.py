"""Small real tasks and real `gome` processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Gome = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A binary task of 700 rows with numbers, categories, missing values and an interaction; the metric is log loss."""
    random = np.random.default_rng(7)
    n = 900
    a, b, c = random.normal(size=(3, n))
    color = random.choice(["red", "green", "blue"], n)
    logit = 1.5 * a * (color == "red") - 1.2 * b + 0.8 * (c > 0.5)
    outcome = np.where(random.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")
    frame = pd.DataFrame({"id": [f"r{i:04d}" for i in range(n)], "a": a, "b": b, "c": c, "color": color, "outcome": outcome})
    frame.loc[random.random(n) < 0.1, "b"] = np.nan
    folder = tmp_path / "shop"
    folder.mkdir()
    train, test = frame[:700], frame[700:]
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="outcome").to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"id": test["id"], "outcome": 0.5}).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.toml").write_text('name = "shop"\ntarget = ["outcome"]\nid = "id"\nmetric = "log loss"\n')
    return folder


@pytest.fixture
def gome(tmp_path: Path) -> Gome:
    """Run the real command line in a process of its own."""

    def run(*arguments: object, timeout: float = 200, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "gome_graph.cli", *map(str, arguments)],
            cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    return run


def events(run: Path) -> list[dict[str, object]]:
    """The journal of a run, parsed."""
    return [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
