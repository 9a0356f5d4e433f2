"""Small real task folders."""

from pathlib import Path

import numpy as np
import pandas as pd


def make_tables(rows=600, test_rows=120, seed=0, target="label"):
    """Train and test tables with numbers, a category, a compound and a yes/no class target."""
    rng = np.random.default_rng(seed)
    n = rows + test_rows
    frame = pd.DataFrame({
        "id": [f"{i:04d}" for i in range(n)],
        "x": rng.normal(size=n).round(4),
        "town": rng.choice(["Bonn", "Köln", "Trier"], n),
        "cabin": [f"{a}/{b}" for a, b in zip(rng.choice(list("ABC"), n), rng.integers(0, 300, n), strict=True)],
    })  # fmt: skip
    y = np.where(frame["x"] + rng.normal(size=n) > 0, "yes", "no")
    train, test = frame.iloc[:rows].copy(), frame.iloc[rows:].copy()
    train[target] = y[:rows]
    return train, test, pd.DataFrame({"id": test["id"], target: y[rows:]})


def write_task(folder: Path, train, test=None, sample=None, *, description=None, toml=None):
    """Write the tables (frames) under their usual names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("train.csv", train), ("test.csv", test), ("sample_submission.csv", sample)):
        if table is not None:
            table.to_csv(folder / name, index=False)
    if description is not None:
        (folder / "description.md").write_text(description, encoding="utf-8")
    if toml is not None:
        (folder / "task.toml").write_text(toml, encoding="utf-8")
    return folder
