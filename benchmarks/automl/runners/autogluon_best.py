"""AutoGluon tabular, preset best_quality, told metric, time, cores; without torch."""

from typing import Any

import common
import pandas as pd
from autogluon.tabular import TabularPredictor, __version__

METRICS = {"auc": "roc_auc", "log_loss": "log_loss", "accuracy": "accuracy", "qwk": "quadratic_kappa",
           "rmse": "root_mean_squared_error", "mae": "mean_absolute_error"}  # fmt: skip
TARGET = "__target__"


def fit(features: pd.DataFrame, target: pd.Series, unseen: pd.DataFrame, facts: dict[str, Any]) -> Any:
    """Fit and predict."""
    metric = "roc_auc_ovr" if facts["metric"] == "auc" and facts["kind"] == "multiclass" else METRICS[facts["metric"]]
    predictor = TabularPredictor(label=TARGET, problem_type=facts["kind"], eval_metric=metric, path=facts["model_folder"], verbosity=2)
    predictor.fit(
        features.assign(**{TARGET: target}), presets="best_quality", time_limit=facts["seconds"], num_cpus=facts["cores"], num_gpus=0
    )
    return predictor.predict_proba(unseen) if facts["needs"] == "probability" else predictor.predict(unseen)


if __name__ == "__main__":
    common.run(fit, f"autogluon {__version__}")
