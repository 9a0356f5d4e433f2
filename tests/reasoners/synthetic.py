"""Small tasks on disk as a script sees them (``input/``), with awkward names, gaps, unseen values and text."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gome_graph.hooks import TaskBrief
from gome_graph.records import ColumnKind, ColumnProfile, TargetKind, TargetProfile, TaskProfile

AWKWARD = 'we"ird [x], {é}'
"""A column name with everything that breaks naive code."""

_KINDS = {
    AWKWARD: ColumnKind.NUMBER, "plain b": ColumnKind.NUMBER, "color": ColumnKind.CATEGORY, "city": ColumnKind.CATEGORY,
    "flag": ColumnKind.BOOLEAN, "empty": ColumnKind.NUMBER, "constant": ColumnKind.CONSTANT, "when": ColumnKind.DATETIME,
    "code": ColumnKind.COMPOUND, "note": ColumnKind.TEXT, "tags": ColumnKind.LIST,
}  # fmt: skip
_WORDS = ["good", "bad", "ugly", "fine", "Oh!", "so", "very"]
_TAGS = ["soy sauce", "salt", "black pepper", "egg"]


def _inputs(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    codes = zip(rng.choice(list("ABC"), rows), rng.integers(30, size=rows), strict=True)
    frame = pd.DataFrame(
        {
            "id": [f"{i // 2:04d}_{i % 2:02d}" for i in range(rows)],
            AWKWARD: rng.normal(size=rows),
            "plain b": rng.normal(size=rows),
            "color": rng.choice(["red", "green", "blue"], rows),
            "city": rng.choice([f"c{i}" for i in range(60)], rows),
            "flag": rng.choice(["True", "False"], rows),
            "empty": np.nan,
            "constant": 1,
            "when": pd.date_range("2020-01-01", periods=rows, freq="7h").astype(str),
            "code": [f"{letter}/{number}/S" for letter, number in codes],
            "note": [" ".join(rng.choice(_WORDS, rng.integers(5, 12))) for _ in range(rows)],
            "tags": [json.dumps(list(rng.choice(_TAGS, rng.integers(1, 4), replace=False))) for _ in range(rows)],
        }
    )
    for name in (AWKWARD, "color", "code", "note", "tags"):
        frame.loc[rng.random(rows) < 0.1, name] = np.nan
    return frame


def _target(kind: TargetKind, signal: Any) -> tuple[dict[str, Any], list[str], str | None]:
    """Target columns, classes and positive class."""
    match kind:
        case TargetKind.BINARY:
            return {"y": np.where(signal > 0.5, "True", "False")}, ["False", "True"], "True"
        case TargetKind.MULTICLASS:  # one label looks like a missing value
            return {"y": np.array(["ant", "bee", "None"])[np.digitize(signal, [-0.3, 0.9])]}, ["ant", "bee", "None"], None
        case TargetKind.ORDINAL:
            return {"y": np.array([3, 4, 5, 6])[np.digitize(signal, [-0.8, 0.3, 1.3])]}, ["3", "4", "5", "6"], None
        case TargetKind.MULTILABEL:
            return {"y1": (signal > 0.4).astype(int), "y2": (signal < 0.2).astype(int)}, ["0", "1"], "1"
        case TargetKind.MULTI_REGRESSION:
            return {"y 1": np.exp(signal / 2), "y2": np.abs(signal)}, [], None
        case _:
            return {"y": 10 * np.exp(signal / 2)}, [], None


def make_task(
    root: Path,
    kind: TargetKind = TargetKind.BINARY,
    prediction: str = "label",
    metric: str = "accuracy",
    *,
    rows: int = 120,
    text: bool = False,
    noise: bool = False,
    seed: int = 0,
) -> TaskBrief:
    """Write ``root/input`` and return its brief. With `noise`, the target has nothing to do with the inputs."""
    rng = np.random.default_rng(seed)
    total = rows + 40
    frame = _inputs(total, rng)
    signal = frame[AWKWARD].fillna(0) + 0.7 * frame["plain b"] + (frame["color"] == "red") - 0.3
    signal = signal + 0.4 * (frame["note"].fillna("").str.count("good") - 1) + 0.4 * rng.normal(size=total)
    if noise:
        signal = pd.Series(rng.normal(size=total))
    targets, classes, positive = _target(kind, signal.to_numpy())
    train = frame.assign(**targets)[:rows]
    test = frame[rows:].copy()
    test["plain b"] = test["plain b"].astype(object)
    test.loc[test.index[0], ["plain b", "city"]] = ["a word among numbers", "a value train never had"]
    folds = rng.permutation(np.arange(rows) % 5)
    folder = root / "input"
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"id": train["id"], "fold": folds}).to_csv(folder / "folds.csv", index=False)
    columns = [
        ColumnProfile(name=name, kind=column, missing=0.1, distinct=20, mean_words=7.0 if name == "note" else 1.0)
        for name, column in _KINDS.items()
        if text or name not in ("note", "tags")
    ]
    profile = TaskProfile(
        rows=rows, test_rows=40, audit_rows=0, id_column="id", columns=columns, folds=5,
        target=TargetProfile(columns=list(targets), kind=kind, classes=classes, positive_class=positive),
    )  # fmt: skip
    return TaskBrief(
        name="synthetic", description="", metric=metric, higher_is_better=True, prediction=prediction, id_column="id",
        prediction_columns=classes if prediction == "probabilities" else list(targets), train_file="train.csv", test_file="test.csv",
        sample_submission_file=None, folds_file="folds.csv", profile=profile,
    )  # fmt: skip


def run_script(root: Path, script: str, *, timeout: float = 240, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `script` by hand in `root`, as ``python solution.py`` with one core and no other GOME variable but those given."""
    (root / "solution.py").write_text(script, encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GOME_")}
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GOME_CPUS": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-W", "error::DeprecationWarning:__main__", "solution.py"],
        cwd=root, env={**kept, **single, **environment}, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def outputs(root: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, Any]]]:
    """(oof, submission, telemetry) with every cell as text."""
    oof = pd.read_csv(root / "output" / "oof.csv", dtype=str, keep_default_na=False)
    submission = pd.read_csv(root / "output" / "submission.csv", dtype=str, keep_default_na=False)
    lines = (root / "output" / "telemetry.jsonl").read_text(encoding="utf-8").splitlines()
    return oof, submission, [json.loads(line) for line in lines]


def check_outputs(root: Path, brief: TaskBrief) -> None:
    """Both files complete: every id in order, the right columns, no empty or infinite cell, labels and probabilities in range."""
    oof, submission, telemetry = outputs(root)
    for table, source in ((oof, "train.csv"), (submission, "test.csv")):
        ids = pd.read_csv(root / "input" / source, dtype=str)["id"]
        assert list(table.columns) == ["id", *brief.prediction_columns]
        assert list(table["id"]) == list(ids)
        cells = table[brief.prediction_columns]
        if brief.prediction == "label":
            assert set(np.unique(cells)) <= set(brief.profile.target.classes)
            continue
        numbers = cells.astype(float).to_numpy()
        assert np.isfinite(numbers).all()
        if brief.prediction in ("probability", "probabilities"):
            assert numbers.min() >= 0
            assert numbers.max() <= 1
        if brief.prediction == "probabilities":
            assert np.allclose(numbers.sum(axis=1), 1)
    kinds = {line["kind"] for line in telemetry}
    assert {"fold", "phase", "columns"} <= kinds
    assert {line["fold"] for line in telemetry if line["kind"] == "fold"} == set(range(5))
