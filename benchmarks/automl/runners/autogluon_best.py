"""AutoGluon tabular, preset best_quality, told metric, time, cores; without torch."""

import time
from typing import Any

import common
import pandas as pd
from autogluon.tabular import TabularPredictor, __version__

METRICS = {"auc": "roc_auc", "log_loss": "log_loss", "accuracy": "accuracy", "qwk": "quadratic_kappa",
           "rmse": "root_mean_squared_error", "mae": "mean_absolute_error"}  # fmt: skip
TARGET = "__target__"
SECOND = 0.5
"""Share of the time limit that a second attempt gets at least: an overrun that the table shows says more than a failure."""


def fit(features: pd.DataFrame, target: pd.Series, unseen: pd.DataFrame, facts: dict[str, Any]) -> Any:
    """Fit and predict."""
    metric = "roc_auc_ovr" if facts["metric"] == "auc" and facts["kind"] == "multiclass" else METRICS[facts["metric"]]
    table, began = features.assign(**{TARGET: target}), time.monotonic()
    options: dict[str, Any] = {"presets": "best_quality", "num_cpus": facts["cores"], "num_gpus": 0}
    try:
        predictor = _predictor(facts, metric, "first").fit(table, time_limit=facts["seconds"], **options)
    except (AssertionError, RuntimeError):
        # Its dynamic stacking can fail when a short budget yields no model; the time left goes to a plain fit.
        left = max(SECOND * facts["seconds"], facts["seconds"] - (time.monotonic() - began))
        predictor = _predictor(facts, metric, "second").fit(table, time_limit=left, dynamic_stacking=False, **options)
    return predictor.predict_proba(unseen) if facts["needs"] == "probability" else predictor.predict(unseen)


def _predictor(facts: dict[str, Any], metric: str, name: str) -> TabularPredictor:
    path = f"{facts['model_folder']}/{name}"
    return TabularPredictor(label=TARGET, problem_type=facts["kind"], eval_metric=metric, path=path, verbosity=2)


if __name__ == "__main__":
    common.run(fit, f"autogluon {__version__}")
