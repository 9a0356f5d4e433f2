"""The task's metric as a function of the script: for its telemetry and its own choices (weights, cuts), never the judge of a step."""

from dataclasses import dataclass

LABEL_CODE: dict[str, str] = {
    "accuracy": "accuracy_score(truth, prediction)",
    "balanced_accuracy": "balanced_accuracy_score(truth, prediction)",
    "f1": "f1_score(truth, prediction, pos_label={positive}, zero_division=0)",
    "f1_micro": 'f1_score(truth, prediction, average="micro", zero_division=0)',
    "f1_macro": 'f1_score(truth, prediction, average="macro", zero_division=0)',
    "f1_weighted": 'f1_score(truth, prediction, average="weighted", zero_division=0)',
    "mcc": "matthews_corrcoef(truth, prediction)",
    "qwk": 'cohen_kappa_score(truth, prediction, weights="quadratic")',
}
PROBABILITY_CODE: dict[str, str] = {
    "roc_auc": "roc_auc_score(truth == {positive}, prediction)",
    "average_precision": "average_precision_score(truth == {positive}, prediction)",
    "log_loss": "log_loss(truth == {positive}, prediction, labels=[False, True])",
}
MATRIX_CODE: dict[str, str] = {
    "roc_auc": "roc_auc_score(truth == {positive}, prediction[:, {positive}])",
    "average_precision": "average_precision_score(truth == {positive}, prediction[:, {positive}])",
    "roc_auc_ovr": 'roc_auc_score(truth, prediction, multi_class="ovr", labels=range(len(CLASSES)))',
    "log_loss": "log_loss(truth, prediction, labels=range(len(CLASSES)))",
    "log_loss_balanced": (
        "log_loss(\n        truth,\n        prediction,\n        labels=range(len(CLASSES)),\n"
        "        sample_weight=1 / np.bincount(truth)[truth],\n    )"
    ),
}
RANKING_CODE = "np.mean(((prediction == truth[:, None]) / np.arange(1, 1 + prediction.shape[1])).sum(axis=1))"
"""Mean average precision where each row has one label: one over the place it stands at."""
NUMBER_CODE: dict[str, str] = {
    "rmse": "np.sqrt(np.mean((truth - prediction) ** 2))",
    "rmsle": "np.sqrt(np.mean((np.log1p(truth) - np.log1p(prediction.clip(0))) ** 2))",
    "rmse_log": "np.sqrt(np.mean((np.log(truth) - np.log(prediction.clip(1e-9))) ** 2))",
    "mae": "np.mean(np.abs(truth - prediction))",
    "mape": "np.mean(np.abs(truth - prediction) / np.maximum(np.abs(truth), 1e-9))",
    "smape": "200 * np.mean(np.abs(truth - prediction) / np.maximum(np.abs(truth) + np.abs(prediction), 1e-9))",
    "r2": "1 - np.mean((truth - prediction) ** 2) / max(np.var(truth), 1e-12)",
    "pearson": "np.corrcoef(truth, prediction)[0, 1]",
    "spearman": "np.corrcoef(rankdata(truth), rankdata(prediction))[0, 1]",
}
_FALLBACK = {"label": "accuracy", "probability": "log_loss", "probabilities": "log_loss", "number": "rmse"}


@dataclass(frozen=True)
class MetricCode:
    """A metric's Python expression over ``truth`` and ``prediction``."""

    name: str
    """Metric it computes: the task's, or the fallback of its kind."""
    expression: str
    imports: tuple[str, ...]


def metric_code(metric: str, kind: str, positive: int) -> MetricCode:
    """The expression for a canonical metric name and a kind of prediction; log loss, accuracy or RMSE for metrics it does not know."""
    if kind == "ranking":
        return MetricCode(metric, RANKING_CODE, ())
    table = {"label": LABEL_CODE, "probability": PROBABILITY_CODE, "probabilities": MATRIX_CODE, "number": NUMBER_CODE}[kind]
    if metric.startswith("pinball"):
        alpha = metric.partition("_")[2] or "0.5"
        expression = f"np.mean(np.maximum({alpha} * (truth - prediction), ({alpha} - 1) * (truth - prediction)))"
        return MetricCode(metric, expression, ())
    name = metric if metric in table else _FALLBACK[kind]
    expression = table[name].replace("{positive}", str(positive))
    function = expression.partition("(")[0]
    imports = [f"from sklearn.metrics import {function}"] if function.isidentifier() else []
    if "rankdata" in expression:
        imports.append("from scipy.stats import rankdata")
    return MetricCode(name, expression, tuple(imports))
