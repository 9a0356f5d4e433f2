"""mljar-supervised in mode Compete, told metric, time, cores and seed."""

from typing import Any

import common
import pandas as pd
from supervised import __version__
from supervised.automl import AutoML

METRICS = {"auc": "auc", "log_loss": "logloss", "accuracy": "accuracy", "qwk": "accuracy", "rmse": "rmse", "mae": "mae"}
"""It knows no kappa: accuracy stands for it."""
KINDS = {"binary": "binary_classification", "multiclass": "multiclass_classification", "regression": "regression"}
PREFIX = "prediction_"


def fit(features: pd.DataFrame, target: pd.Series, unseen: pd.DataFrame, facts: dict[str, Any]) -> Any:
    """Fit and predict."""
    automl = AutoML(
        mode="Compete", ml_task=KINDS[facts["kind"]], eval_metric=METRICS[facts["metric"]], total_time_limit=int(facts["seconds"]),
        n_jobs=facts["cores"], random_state=facts["seed"] + 1, results_path=facts["model_folder"],
    )  # fmt: skip
    automl.fit(features, target)
    if facts["needs"] != "probability":
        return automl.predict(unseen)
    table = automl.predict_all(unseen)
    chances = [column for column in table if str(column).startswith(PREFIX)]
    return table[chances].rename(columns=lambda column: str(column).removeprefix(PREFIX))


if __name__ == "__main__":
    common.run(fit, f"mljar-supervised {__version__}")
