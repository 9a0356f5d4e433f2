"""What the runners share: they run in each system's own environment, so this file needs pandas alone.

A runner is called as ``python <system>.py FOLDER``: it reads ``train.csv``, ``test.csv`` and ``facts.json``, and writes
``predictions.csv`` (see scoring.py for its form) and ``report.json``.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Fit = Callable[[pd.DataFrame, pd.Series, pd.DataFrame, dict[str, Any]], Any]
"""(features, target, features to predict, facts) -> labels or numbers (n,), or a table of probabilities with a column a class."""
LOG_METRICS = ("rmsle", "rmse_log")
"""Judged on the logarithm: the target is given as log(1 + y), and the metric as RMSE, which is the same thing (rmse_log: all but)."""


def class_text(labels: pd.Series) -> pd.Series:
    """Labels as text; whole floats lose their ``.0``. The same as scoring.text, which lives outside this environment."""
    if pd.api.types.is_float_dtype(labels) and (labels.dropna() % 1 == 0).all():
        return labels.astype("Int64").astype(str)
    return labels.astype(str)


def run(fit: Fit, version: str) -> None:
    """Fit each target in its share of the time, write the predictions and what it took; an exception becomes the report's error."""
    folder = Path(sys.argv[1])
    facts = json.loads((folder / "facts.json").read_text())
    began = time.monotonic()
    report: dict[str, Any] = {"version": version, "error": None}
    try:
        predictions(fit, folder, facts).to_csv(folder / "predictions.csv", index=False)
    except Exception as error:
        traceback.print_exc()
        report["error"] = f"{type(error).__name__}: {error}"[:500]
    report["runner_seconds"] = round(time.monotonic() - began, 2)
    (folder / "report.json").write_text(json.dumps(report))
    sys.exit(1 if report["error"] else 0)


def with_dates(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Columns of ISO dates become dates, as a user would give them; not every system looks for them."""
    train, test = train.copy(), test.copy()
    for column in train.select_dtypes(exclude="number").columns:
        parsed = [pd.to_datetime(table[column], errors="coerce", format="ISO8601") for table in (train, test)]
        if all(dates.notna().sum() == table[column].notna().sum() > 0 for dates, table in zip(parsed, (train, test), strict=True)):
            train[column], test[column] = (dates.dt.tz_localize(None) for dates in parsed)
    return train, test


def predictions(fit: Fit, folder: Path, facts: dict[str, Any]) -> pd.DataFrame:
    """The table of predictions."""
    import numpy as np

    train, test = pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "test.csv")
    targets = facts["targets"]
    share = {**facts, "seconds": facts["seconds"] / len(targets), "folder": str(folder)}
    features = train.drop(columns=[*([] if facts.get("id_is_feature") else [facts["id"]]), *targets])
    features, unseen = with_dates(features, test[features.columns])
    table = pd.DataFrame({facts["id"]: test[facts["id"]]})
    logged = facts["metric"] in LOG_METRICS
    for number, target in enumerate(targets):
        share["model_folder"] = str(folder / f"model-{number}")
        y = train[target]
        if facts["kind"] != "regression":
            y = class_text(y)
        elif logged:
            y = np.log1p(y)
            share["metric"] = "rmse"
        found = fit(features, y, unseen, share)
        if facts["needs"] == "probability":
            chance = pd.DataFrame(found).reset_index(drop=True)
            chance.columns = [str(column) for column in chance.columns]
            table = pd.concat([table, chance.reindex(columns=facts["classes"], fill_value=0.0)], axis=1)
        else:
            table[target] = np.expm1(np.asarray(found)) if logged else np.asarray(found)
    return table
