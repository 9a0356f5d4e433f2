"""Synthetic tasks on disk, small enough for runs of seconds; one for each shape that drafts and submissions must cope with."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_WORDS = np.array(["plain", "round", "green", "heavy", "quiet", "rapid", "early", "broad", "sharp", "clear", "small", "under"])
_TEST_ROWS = 100

SHAPES = {
    "binary": {"rows": 600}, "multiclass": {"rows": 600, "target": "classes"}, "regression": {"rows": 600, "target": "number"},
    "text": {"rows": 600, "numbers": 0, "categories": 0, "text": True}, "mixed": {"rows": 600, "text": True}, "tiny": {"rows": 80},
    "wide": {"rows": 200, "numbers": 60},
}  # fmt: skip
"""Shape -> settings of `write`."""


def write(root: Path, shape: str, *, seed: int = 0) -> Path:
    """Write the task of a shape to ``root/<shape>``; returns the folder."""
    return _write(root / shape, shape, np.random.default_rng(seed), **SHAPES[shape])


def _write(
    folder: Path, name: str, random: np.random.Generator, *, rows: int, target: str = "binary", numbers: int = 4, categories: int = 2,
    text: bool = False,
) -> Path:  # fmt: skip
    total = rows + _TEST_ROWS
    frame = pd.DataFrame({"id": [f"r{i:05d}" for i in range(total)]})
    signal = 0.7 * random.normal(size=total)
    for i in range(numbers):
        frame[f"x{i}"] = random.normal(size=total).round(4)
        signal += frame[f"x{i}"].to_numpy() * (1.0 if i < 2 else 0.1)
    if numbers:
        frame.loc[random.random(total) < 0.1, "x0"] = np.nan
    for i in range(categories):
        frame[f"c{i}"] = random.choice(["red", "green", "blue"], total)
        signal += (frame[f"c{i}"] == "red").to_numpy() * 0.8
    if text:
        sentences = [random.choice(_WORDS, random.integers(6, 14)) for _ in range(total)]
        frame["note"] = [" ".join(words) for words in sentences]
        signal += np.array([(words == "plain").sum() - (words == "sharp").sum() for words in sentences])
    values, metric = _target(target, signal)
    frame["y"] = values
    folder.mkdir(parents=True)
    train, test = frame[:rows], frame[rows:]
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="y").to_csv(folder / "test.csv", index=False)
    _sample(test, target).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.toml").write_text(f'name = "{name}"\nid = "id"\ntarget = ["y"]\nmetric = "{metric}"\n', encoding="utf-8")
    return folder


def _target(kind: str, signal: Any) -> tuple[Any, str]:
    match kind:
        case "classes":
            return np.array(["low", "mid", "top"])[np.digitize(signal, np.quantile(signal, [0.4, 0.75]))], "log loss"
        case "number":
            return (signal * 10 + 100).round(4), "rmse"
        case _:
            return (signal > np.median(signal)).astype(int), "roc auc"


def _sample(test: pd.DataFrame, kind: str) -> pd.DataFrame:
    if kind == "classes":
        return test[["id"]].assign(low=0.3, mid=0.4, top=0.3)
    return test[["id"]].assign(y=0.5)


def submission_fault(folder: Path, submission: Path) -> str:
    """What is wrong with a submission for the task in `folder`, as an outsider sees it; empty if it is whole and valid."""
    sample = pd.read_csv(folder / "sample_submission.csv")
    try:
        frame = pd.read_csv(submission)
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"
    if list(frame.columns) != list(sample.columns):
        return f"columns {list(frame.columns)} instead of {list(sample.columns)}"
    if list(frame["id"]) != list(sample["id"]):
        return f"{len(frame)} ids that are not those of the test rows in order"
    cells = frame.drop(columns="id").to_numpy(dtype=float)
    if not np.isfinite(cells).all():
        return "cells that are no finite numbers"
    regression = 'metric = "rmse"' in (folder / "task.toml").read_text(encoding="utf-8")
    if not regression and (cells.min() < 0 or cells.max() > 1):
        return "probabilities outside 0 to 1"
    return "" if cells.std() > 0 else "constant predictions"


def line(folder: Path) -> Path:
    """A regression task for planned scripts: y is x plus noise, ids are numbers."""
    random = np.random.default_rng(0)
    x = random.normal(size=800)
    frame = pd.DataFrame({"id": np.arange(800), "x": x, "y": x + random.normal(size=800)})
    folder.mkdir(parents=True)
    frame[:600].to_csv(folder / "train.csv", index=False)
    frame[600:][["id", "x"]].to_csv(folder / "test.csv", index=False)
    frame[600:][["id"]].assign(y=0.0).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.toml").write_text('name = "line"\nid = "id"\ntarget = ["y"]\nmetric = "rmse"\n', encoding="utf-8")
    return folder
