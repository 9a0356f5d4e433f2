"""Real small tasks, prepared as a run prepares them, and honest predictions for them."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gome_graph.records import Execution, Outcome, Stage
from gome_graph.task import PreparedTask, load_task, prepare

ROWS = 900


def _frame(kind: str) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(ROWS, 4))
    strength = x[:, 0] + 0.7 * x[:, 1] - 0.5 * x[:, 2] + 0.6 * rng.normal(size=ROWS)
    frame = pd.DataFrame(x, columns=list("abcd")).round(6)
    frame.insert(0, "id", [f"r{i}" for i in range(ROWS)])
    if kind == "binary":
        frame["y"] = np.where(strength > 0.3, "yes", "no")
    elif kind == "multiclass":
        frame["y"] = np.array(["low", "mid", "top"])[np.digitize(strength, [-0.5, 0.7])]
    else:
        frame["y"] = 5 + 2 * strength
    return frame


def make(root: Path, kind: str, metric: str) -> PreparedTask:
    frame = _frame(kind)
    root.mkdir(parents=True)
    frame.head(700).to_csv(root / "train.csv", index=False)
    frame.tail(200).drop(columns="y").to_csv(root / "test.csv", index=False)
    (root / "task.toml").write_text(
        f'name = "small"\ntrain = "train.csv"\ntest = "test.csv"\nid = "id"\ntarget = "y"\nmetric = "{metric}"\n'
        f'split = "{"kfold" if kind == "number" else "stratified"}"\n'
    )
    return prepare(load_task(root), root / "prepared", seed=0)


@pytest.fixture(scope="session")
def binary(tmp_path_factory) -> PreparedTask:
    return make(tmp_path_factory.mktemp("tasks") / "binary", "binary", "roc_auc")


@pytest.fixture(scope="session")
def labels(tmp_path_factory) -> PreparedTask:
    return make(tmp_path_factory.mktemp("tasks") / "labels", "multiclass", "accuracy")


@pytest.fixture(scope="session")
def classes(tmp_path_factory) -> PreparedTask:
    return make(tmp_path_factory.mktemp("tasks") / "classes", "multiclass", "log_loss")


@pytest.fixture(scope="session")
def number(tmp_path_factory) -> PreparedTask:
    return make(tmp_path_factory.mktemp("tasks") / "number", "number", "rmse")


@dataclass
class Raw:
    """Real-valued scores a class (or one number a row) for train and test rows."""

    oof: np.ndarray
    sub: np.ndarray


def script(prepared: PreparedTask, input_dir: Path, *, columns: str = "abcd", leak: bool = False) -> Raw:
    """Least squares on class indicators by fold; with `leak`, the nearest neighbour among all rows, the row itself included."""
    train, test = pd.read_csv(input_dir / "train.csv"), pd.read_csv(input_dir / "test.csv")
    folds = pd.read_csv(input_dir / "folds.csv")["fold"].to_numpy()
    x, x_test = (np.column_stack([np.ones(len(f)), f[list(columns)]]) for f in (train, test))
    form = prepared.format
    y = (
        train["y"].to_numpy(dtype=float)
        if form.kind == "number"
        else (train["y"].to_numpy()[:, None] == np.array(form.classes)).astype(float)
    )
    if leak:
        nearest = [((x[None] - at[:, None]) ** 2).sum(axis=2).argmin(axis=1) for at in (x, x_test)]
        return Raw(
            y[nearest[0]] + 0.01 * x[:, 1].reshape(-1, *[1] * (y.ndim - 1)),
            y[nearest[1]] + 0.01 * x_test[:, 1].reshape(-1, *[1] * (y.ndim - 1)),
        )
    oof, parts = np.zeros_like(y), []
    for fold in np.unique(folds):
        held = folds == fold
        weights = np.linalg.lstsq(x[~held], y[~held], rcond=None)[0]
        oof[held] = x[held] @ weights
        parts.append(x_test @ weights)
    return Raw(oof, np.mean(parts, axis=0))


def table(prepared: PreparedTask, ids: np.ndarray, raw: np.ndarray) -> pd.DataFrame:
    """Predictions in the form the task asks for."""
    form = prepared.format
    frame = pd.DataFrame({form.id_column: ids})
    if form.kind == "number":
        frame[form.columns[0]] = raw
    elif form.kind == "label":
        frame[form.columns[0]] = np.array(form.classes)[raw.argmax(axis=1)]
    else:
        chance = np.exp(4 * raw)
        chance /= chance.sum(axis=1, keepdims=True)
        if form.kind == "probability":
            frame[form.columns[0]] = chance[:, form.classes.index(form.positive_class)]
        else:
            frame[form.columns] = chance
    return frame


def write(prepared: PreparedTask, raw: Raw, workspace: Path, stage: Stage = Stage.FULL) -> Path:
    """Write output/ of a workspace; returns it."""
    output = workspace / "output"
    output.mkdir(parents=True)
    table(prepared, prepared.train_ids[prepared.rows(stage)], raw.oof).to_csv(output / "oof.csv", index=False)
    table(prepared, prepared.test_ids(stage), raw.sub).to_csv(output / "submission.csv", index=False)
    return output


def ran(stage: Stage = Stage.FULL, outcome: Outcome = Outcome.OK, seconds: float = 10.0, **more: object) -> Execution:
    return Execution(outcome=outcome, stage=stage, seed=0, exit_code=0, wall_seconds=seconds, **more)


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The helpers above, for test modules (which cannot import a conftest)."""
    return SimpleNamespace(script=script, write=write, ran=ran, Raw=Raw, table=table)
