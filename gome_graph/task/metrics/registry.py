"""Metrics by name, with the names people write."""

import re

from gome_graph.errors import TaskError
from gome_graph.task.metrics.base import Metric
from gome_graph.task.metrics.labels import F1, Accuracy, BalancedAccuracy, Mcc, QuadraticKappa
from gome_graph.task.metrics.probabilities import AveragePrecision, LogLoss, LogLossBalanced, RocAuc, RocAucOvr
from gome_graph.task.metrics.regression import R2, Mae, Mape, Mse, Pearson, Pinball, Rmse, RmseLog, Rmsle, Smape, Spearman
from gome_graph.task.metrics.texts import JaccardWords, MapAtK

BUILT_IN: tuple[Metric, ...] = (
    Accuracy(), BalancedAccuracy(), F1("binary"), F1("micro"), F1("macro"), F1("weighted"), RocAuc(), RocAucOvr(), AveragePrecision(),
    LogLoss(), LogLossBalanced(), Mcc(), QuadraticKappa(), Mse(), Rmse(), Rmsle(), RmseLog(), Mae(), Mape(), Smape(), R2(), Pearson(),
    Spearman(), JaccardWords(), MapAtK(), Pinball(),
)  # fmt: skip

ALIASES: dict[str, tuple[str, ...]] = {
    "accuracy": (
        "acc", "accuracy score", "classification accuracy", "categorization accuracy", "categorisation accuracy", "mean accuracy",
        "percentage of correct predictions", "percentage of correctly predicted labels", "share of correct predictions",
    ),
    "balanced_accuracy": ("balanced acc", "balanced accuracy score", "mean recall", "macro recall"),
    "f1": ("f1 score", "f score", "f measure", "f1 measure", "binary f1", "f1 binary", "f1 of the positive class"),
    "f1_micro": ("micro f1", "micro averaged f1", "micro average f1", "f1 micro averaged", "micro f1 score", "micro averaged f1 score",
                 "mean f1", "mean f1 score"),
    "f1_macro": ("macro f1", "macro averaged f1", "macro average f1", "f1 macro averaged", "macro f1 score", "macro averaged f1 score"),
    "f1_weighted": ("weighted f1", "weighted averaged f1", "weighted average f1", "weighted f1 score"),
    "roc_auc": (
        "auc", "roc", "auroc", "auc roc", "roc auc score", "roc curve", "area under the curve", "area under roc", "area under the roc",
        "area under the roc curve", "area under roc curve", "area under receiver operating characteristic curve",
        "area under the receiver operating characteristic curve", "area under the receiver operating characteristic",
        "mean column wise roc auc", "mean column wise auc", "mean roc auc",
    ),
    "roc_auc_ovr": ("one vs rest roc auc", "ovr roc auc", "roc auc one vs rest", "multiclass roc auc", "macro roc auc", "one vs rest auc",
                    "auc ovr", "ovr auc", "multiclass auc"),
    "average_precision": ("ap", "pr auc", "auprc", "auc pr", "average precision score", "area under the precision recall curve",
                          "area under precision recall curve", "mean average precision"),
    "log_loss": (
        "logloss", "logarithmic loss", "cross entropy", "cross entropy loss", "binary cross entropy", "categorical cross entropy",
        "log likelihood loss", "negative log likelihood", "multiclass log loss", "multiclass logloss", "multi class logarithmic loss",
        "binary log loss", "mlogloss", "mean column wise log loss",
    ),
    "log_loss_balanced": ("balanced log loss", "balanced logloss", "balanced logarithmic loss", "weighted log loss",
                          "class balanced log loss"),
    "mcc": ("matthews correlation coefficient", "matthews correlation", "matthews corrcoef", "phi coefficient"),
    "qwk": ("quadratic weighted kappa", "quadratically weighted kappa", "cohen kappa quadratic", "quadratic kappa", "weighted kappa",
            "cohens kappa with quadratic weights", "cohen kappa"),
    "mse": ("mean squared error", "mean square error", "squared error"),
    "rmse": ("root mean squared error", "root mean square error", "root mean squared deviation", "rmsd", "mean column wise rmse", "mcrmse",
             "mean columnwise root mean squared error"),
    "rmsle": ("root mean squared logarithmic error", "root mean square logarithmic error", "root mean squared log error",
              "root mean square log error", "mean column wise rmsle", "mcrmsle", "column wise root mean squared logarithmic error"),
    "rmse_log": ("rmse of log price", "rmse of logs", "rmse of log", "rmse of the log", "rmse of the logs", "log rmse", "rmse log",
                 "rmse of the logarithm", "rmse of logarithms", "rmse of log values", "rmse of log target", "rmse between logs",
                 "root mean squared error of logs", "root mean squared error of log"),
    "mae": ("mean absolute error", "mean absolute deviation", "l1", "mean column wise mae", "absolute error"),
    "mape": ("mean absolute percentage error", "mean absolute percent error"),
    "smape": ("symmetric mape", "symmetric mean absolute percentage error", "symmetric mean absolute percent error"),
    "r2": ("r squared", "r square", "r 2", "r2 score", "coefficient of determination", "r\u00b2", "explained variance r2"),
    "pearson": ("pearson correlation", "pearson r", "pearsons r", "pearson correlation coefficient",
                "pearsons correlation", "pearsonr", "correlation"),
    "spearman": ("spearman correlation", "spearman rho", "spearmans rho", "spearman rank correlation", "rank correlation",
                 "spearman correlation coefficient", "spearmans correlation", "spearmanr"),
    "jaccard_words": ("word level jaccard", "jaccard", "jaccard score", "word jaccard", "word level jaccard score", "jaccard of words"),
    "pinball": ("pinball loss", "quantile loss", "mean pinball loss"),
}  # fmt: skip

_metrics: dict[str, Metric] = {}
_names: dict[str, str] = {}

_NOISE = re.compile(
    r"\b(mean|average|averaged|macro averaged|score|metric|loss function|the|column ?wise|over (all )?(the )?(targets|columns|labels)"
    r"|(of|over|across) (all )?(the )?(\w+ )?(targets|columns|labels))\b"
)
_MAP_AT = re.compile(r"(?:map|mean average precision|map at|apk|mapk) ?(?:at|k)? ?(\d+)")
_QUANTILE = re.compile(r"(?:pinball|quantile)(?: loss)? (?:at |of |alpha )?0? ?(\d+)")


def words(name: str) -> str:
    """`name` in lower case with single spaces for all punctuation: ``"Multi-class Log_Loss"`` -> ``"multi class log loss"``."""
    return " ".join(re.sub(r"[^a-z0-9\u00b2]+", " ", name.lower().replace("'s", "s").replace("@", " at ")).split())


def _squash(name: str) -> str:
    return words(name).replace(" ", "")


def register_metric(metric: Metric) -> None:
    """Make `metric` known by its name (a plugin's, from the hook ``gome_metric``). `TaskError` if the name means another kind already."""
    known = _metrics.get(metric.name)
    if known is not None and type(known) is not type(metric):
        raise TaskError(f"Two metrics are called {metric.name!r} ({type(known).__name__} and {type(metric).__name__}); rename one of them.")
    _metrics[metric.name] = metric
    _names[_squash(metric.name)] = metric.name


for _metric in BUILT_IN:
    register_metric(_metric)
for _name, _aliases in ALIASES.items():
    for _alias in _aliases:
        _names.setdefault(_squash(_alias), _name)


def metric_names() -> list[str]:
    """Canonical names of all known metrics, sorted."""
    return sorted(_metrics)


def find_metric(name: str) -> Metric:
    """The metric people mean by `name`: case and punctuation do not matter, and what stands in brackets only if the rest says nothing.

    Raises `TaskError` that names the closest metrics.

    Examples
    --------
    >>> find_metric("Multi-class log loss").name, find_metric("micro F1 (= accuracy)").name, find_metric("MAP@3").name
    ('log_loss', 'f1_micro', 'map_at_3')
    """
    plain = words(re.sub(r"\([^)]*\)", " ", name))
    for attempt in (words(name), plain, _without_noise(plain)):
        found = _lookup(attempt)
        if found is not None:
            return found
    for inside in re.findall(r"\(=?\s*([^)]*)\)", name):
        found = _lookup(words(inside))
        if found is not None:
            return found
    raise TaskError(f"Unknown metric {name!r}; the closest are {', '.join(closest_metrics(name))}.")


def _without_noise(text: str) -> str:
    return " ".join(_NOISE.sub(" ", text).split())


def _lookup(text: str) -> Metric | None:
    canonical = _names.get(text.replace(" ", ""))
    if canonical is not None:
        return _metrics[canonical]
    if match := _MAP_AT.fullmatch(text):
        return MapAtK(int(match[1])) if int(match[1]) > 0 else None
    if text in {"map at k", "mapk", "mean average precision at k", "map at"}:
        return MapAtK()
    if match := _QUANTILE.fullmatch(text):
        return Pinball(float(f"0.{match[1]}"))
    return None


def closest_metrics(name: str, count: int = 3) -> list[str]:
    """Canonical names that look most like `name`."""
    from rapidfuzz import fuzz, process

    ranked = process.extract(_squash(name), list(_names), scorer=fuzz.ratio, limit=20)
    return list(dict.fromkeys(_names[key] for key, _, _ in ranked))[:count] or metric_names()[:count]
