"""Prepared competitions as benchmark tasks: ``ROOT/<name>/public`` for the systems, ``ROOT/<name>/private`` for the scorer alone.

What a competition asks (id, target, metric) is read with gome's own loader; the peers get the same train and test rows as flat CSV files.
gome gets the public folder itself, with its description and side files: reading them is part of its job.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from scoring import METRICS, text
from tasks import BenchTask

COMPETITION = "competition"
NAMES = {"roc_auc": "auc", "f1_micro": "accuracy"}
"""gome's name of a metric -> the scorer's. Micro F1 of single labels is accuracy."""


def find(root: Path) -> list[BenchTask]:
    """Every prepared competition in `root` whose metric the scorer knows."""
    found = []
    for folder in sorted(root.iterdir()):
        if not (folder / "public").is_dir():
            continue
        asked = _asked(folder)
        metric = NAMES.get(asked.metric, asked.metric)
        if metric in METRICS:
            found.append(BenchTask(folder.name, f"{COMPETITION}:{folder}", asked.target[0], metric, _kind(asked, metric)))
    return found


def tables(task: BenchTask) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Train, test without targets, truth, facts. The rows of test are those of the private answers."""
    folder = Path(task.source.split(":", 1)[1])
    asked = _asked(folder)
    key, targets, needs = asked.id, list(asked.target), METRICS[task.metric].needs
    train, test = _flat(asked.train), _flat(asked.test)
    shared = [c for c in train if c in test and c not in {*asked.drop, *targets}]
    truth = _truth(pd.read_csv(asked.answers), key, targets)
    classes = None
    if task.kind != "regression":
        if needs == "probability" and task.kind == "binary":
            train[targets[0]] = train[targets[0]].astype(int)
            truth[targets[0]] = truth[targets[0]].astype(int)
        classes = sorted(text(train[targets[0]]).unique())
    facts = {"task": task.name, "id": key, "targets": targets, "kind": task.kind, "metric": task.metric, "needs": needs,
             "classes": classes, "id_is_feature": _is_date(test[key]), "task_folder": str(folder)}  # fmt: skip
    return train[[*shared, *targets]], test[shared], truth, facts


def _asked(folder: Path) -> Any:
    from gome_graph.task import load_task

    return load_task(folder)


def _kind(asked: Any, metric: str) -> str:
    if METRICS[metric].needs == "number":
        return "regression"
    return "binary" if _flat(asked.train)[asked.target[0]].nunique() == 2 else "multiclass"


def _flat(path: Path) -> pd.DataFrame:
    """CSV, or JSON records with lists as text."""
    if path.suffix != ".json":
        return pd.read_csv(path)
    table = pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
    return table.map(lambda cell: ", ".join(map(str, cell)) if isinstance(cell, list) else cell)


def _truth(answers: pd.DataFrame, key: str, targets: list[str]) -> pd.DataFrame:
    """Answers given as one column a class become one column of labels."""
    if all(target in answers for target in targets):
        return answers[[key, *targets]].copy()
    return pd.DataFrame({key: answers[key], targets[0]: answers.drop(columns=key).idxmax(axis=1)})


def _is_date(ids: pd.Series) -> bool:
    """An id that is a point in time is also the main feature."""
    return not pd.api.types.is_numeric_dtype(ids) and bool(pd.to_datetime(ids, errors="coerce", format="ISO8601").notna().all())
