"""The built-in tasks: small, quick, made here or packaged with scikit-learn, so that a bench needs no network and no files.

Run as a program in its own process, so that scikit-learn is never loaded into `gome` itself:
``python -m gome_graph.bench.tasks FOLDER NAME ...`` writes one task folder a name, its answers apart in ``FOLDER/answers``.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HELD_OUT = 0.35
"""Share of the rows that only grading sees; large, for the tables are small."""
GENERATED_SEED = 20_261
"""Any fixed number: the made tables are the same everywhere."""

Table = tuple[Any, str, str]
"""(frame with a column ``target``, metric, split)."""


def _made(rows: int, target: Callable[..., Any], *, numbers: int, categories: int = 0, missing: float = 0.0) -> Any:
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(GENERATED_SEED + rows + numbers)
    frame = pd.DataFrame({f"x{i}": random.normal(size=rows).round(5) for i in range(numbers)})
    for i in range(categories):
        frame[f"c{i}"] = random.choice(["north", "east", "south", "west"], rows)
    frame["target"] = target(frame, random)
    for i in range(numbers if missing else 0):
        frame.loc[random.random(rows) < missing, f"x{i}"] = np.nan
    return frame


def _logit(signal: Any, random: Any) -> Any:
    import numpy as np

    return (random.random(len(signal)) < 1 / (1 + np.exp(-signal))).astype(int)


def _interaction() -> Table:
    """A binary target that hangs on products: linear models alone miss it."""
    frame = _made(600, lambda f, r: _logit(2.0 * f.x0 * f.x1 + 1.5 * f.x2, r), numbers=6)
    return frame, "roc_auc", "stratified"


def _linear() -> Table:
    """Numbers that add up, with noise: the simplest model is the best."""
    return _made(400, lambda f, r: (3 * f.x0 - 2 * f.x1 + f.x2 + r.normal(0, 1.5, len(f))).round(4), numbers=8), "rmse", "kfold"


def _skewed() -> Table:
    """A positive target with a long tail, judged on its logarithm."""
    import numpy as np

    def target(f: Any, r: Any) -> Any:
        return np.exp(0.8 * f.x0 + 0.5 * (f.c0 == "north") + 0.4 * np.abs(f.x1) + r.normal(0, 0.3, len(f))).round(4)

    return _made(500, target, numbers=5, categories=1), "rmsle", "kfold"


def _groups() -> Table:
    """Four classes behind categories, numbers and missing values."""
    import numpy as np

    def target(f: Any, r: Any) -> Any:
        signal = f.x0 + 0.8 * (f.c0 == "east") - 0.8 * (f.c1 == "west") + 0.5 * f.x1**2 + r.normal(0, 0.5, len(f))
        return np.array(["a", "b", "c", "d"])[np.digitize(signal, np.quantile(signal, [0.25, 0.5, 0.75]))]

    return _made(700, target, numbers=5, categories=2, missing=0.1), "log_loss", "stratified"


def _rare() -> Table:
    """One row in ten is positive; labels are asked for."""
    frame = _made(800, lambda f, r: _logit(1.5 * f.x0 + f.x1 * (f.c0 == "south") - 3.2, r), numbers=5, categories=1)
    return frame, "f1", "stratified"


def _waves() -> Table:
    """A smooth curve of two inputs among noise columns."""
    import numpy as np

    return _made(500, lambda f, r: (np.sin(2 * f.x0) + 0.5 * f.x1**2 + r.normal(0, 0.3, len(f))).round(5), numbers=7), "rmse", "kfold"


def _packaged(name: str, metric: str, split: str, rows: int | None = None) -> Callable[[], Table]:
    def table() -> Table:
        from sklearn import datasets

        loaded = getattr(datasets, f"load_{name}")(as_frame=True)
        frame = loaded.frame.rename(columns=lambda c: str(c).replace(" ", "_").replace("/", "_"))
        return (frame if rows is None else frame.sample(rows, random_state=GENERATED_SEED)), metric, split

    return table


TASKS: dict[str, Callable[[], Table]] = {
    "interaction": _interaction, "linear": _linear, "skewed": _skewed, "groups": _groups, "rare": _rare, "waves": _waves,
    "diabetes": _packaged("diabetes", "rmse", "kfold"), "cancer": _packaged("breast_cancer", "log_loss", "stratified"),
    "wine": _packaged("wine", "log_loss", "stratified"), "digits600": _packaged("digits", "accuracy", "stratified", 600),
}  # fmt: skip
SUITES: dict[str, tuple[str, ...]] = {
    "small": tuple(TASKS), "made": ("interaction", "linear", "skewed", "groups", "rare", "waves"), "quick": ("linear", "interaction"),
}  # fmt: skip


def write_task(root: Path, name: str) -> Path:
    """Write ``root/<name>``, and its answers to ``root/answers/<name>.csv``; returns the task's folder. What is there already is left."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    folder, answers = root / name, root / "answers" / f"{name}.csv"
    if (folder / "task.toml").exists():
        return folder
    frame, metric, split = TASKS[name]()
    frame = frame.reset_index(drop=True)
    frame.insert(0, "id", np.arange(len(frame)))
    stratify = frame["target"] if split == "stratified" else None
    train, test = train_test_split(frame, test_size=HELD_OUT, stratify=stratify, random_state=0)
    folder.mkdir(parents=True, exist_ok=True)
    answers.parent.mkdir(exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="target").to_csv(folder / "test.csv", index=False)
    classes = sorted(frame["target"].unique())
    sample = test[["id"]].copy()
    if metric == "log_loss" and len(classes) > 2:
        for label in classes:
            sample[str(label)] = 1 / len(classes)
    else:
        sample["target"] = classes[0] if metric in ("accuracy", "f1") else 0.5
    sample.to_csv(folder / "sample_submission.csv", index=False)
    test[["id", "target"]].to_csv(answers, index=False)
    (folder / "task.toml").write_text(
        f'name = "{name}"\nid = "id"\ntarget = ["target"]\nmetric = "{metric}"\nsplit = "{split}"\nanswers = "../answers/{name}.csv"\n',
        encoding="utf-8",
    )  # the last file: it marks the folder as whole
    return folder


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        write_task(Path(sys.argv[1]), wanted)
