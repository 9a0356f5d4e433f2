"""FLAML's AutoML with its defaults, told metric, time, cores and seed."""

from typing import Any

import common
import pandas as pd
from flaml import AutoML, __version__

METRICS = {"auc": "roc_auc", "log_loss": "log_loss", "accuracy": "accuracy", "qwk": "accuracy", "rmse": "rmse", "mae": "mae"}
"""It knows no kappa: accuracy stands for it."""


def fit(features: pd.DataFrame, target: pd.Series, unseen: pd.DataFrame, facts: dict[str, Any]) -> Any:
    """Fit and predict."""
    metric = "roc_auc_ovr" if facts["metric"] == "auc" and facts["kind"] == "multiclass" else METRICS[facts["metric"]]
    automl = AutoML()
    automl.fit(
        X_train=features, y_train=target, task="regression" if facts["kind"] == "regression" else "classification", metric=metric,
        time_budget=facts["seconds"], n_jobs=facts["cores"], seed=facts["seed"], verbose=1,
    )  # fmt: skip
    if facts["needs"] == "probability":
        return pd.DataFrame(automl.predict_proba(unseen), columns=[str(label) for label in automl.classes_])
    return automl.predict(unseen)


if __name__ == "__main__":
    common.run(fit, f"flaml {__version__}")
