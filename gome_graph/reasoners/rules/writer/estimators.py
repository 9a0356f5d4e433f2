"""Which estimator a member is, with the settings a good engineer would start from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gome_graph.reasoners.rules.recipe import Member, ModelKind
from gome_graph.reasoners.rules.writer import presets
from gome_graph.reasoners.rules.writer.literals import Call, Code

TREES: frozenset[ModelKind] = frozenset({"lightgbm", "catboost", "hist_gradient_boosting", "xgboost", "extra_trees", "random_forest"})
BOOSTING: frozenset[ModelKind] = frozenset({"lightgbm", "catboost", "hist_gradient_boosting", "xgboost"})
SPARSE: frozenset[ModelKind] = frozenset({"linear", "tfidf_linear", "nb_svm", "naive_bayes"})
"""Models that take sparse matrices."""
TEXT_ONLY: frozenset[ModelKind] = frozenset({"nb_svm", "naive_bayes", "tfidf_linear"})
SEEDLESS: frozenset[ModelKind] = frozenset({"linear", "tfidf_linear", "nb_svm", "naive_bayes", "knn", "svm", "lda", "gaussian_process"})
"""Fits that do not depend on a seed: averaging over seeds would be wasted time."""
ITERATIVE: frozenset[ModelKind] = frozenset({"lightgbm", "catboost", "hist_gradient_boosting", "xgboost", "mlp", "linear", "tfidf_linear"})
CLASSES_ONLY: frozenset[ModelKind] = frozenset({"nb_svm", "naive_bayes", "lda"})

STOPPING_PATIENCE = 50
"""Rounds without gain on the stopping rows after which boosting ends."""
_SOLVER_STEPS = 500
_SAGA_PASSES = 200
_COLUMNS = 15
"""Inputs supposed where nobody says how many there are."""


@dataclass(frozen=True)
class Estimator:
    """An estimator's constructor call and what must be imported for it."""

    name: str
    params: dict[str, Any]
    imports: tuple[str, ...]
    positional: tuple[Any, ...] = field(default=())
    summary: str = ""
    """For people: what it is."""


_Builder = Callable[[Member, int, int, str, bool], Estimator]


def estimator(member: Member, *, classes: int, rows: int, metric: str, balanced: bool, columns: int = _COLUMNS) -> Estimator:
    """The estimator of `member` for `classes` classes (0: regression), about `rows` training rows and `columns` inputs.

    ``member.params`` override the defaults; ``kind`` among them chooses a variant (see the single models).
    """
    builders: dict[ModelKind, _Builder] = {
        "lightgbm": partial(_lightgbm, columns=columns), "catboost": partial(_catboost, columns=columns),
        "hist_gradient_boosting": partial(_hist, columns=columns), "xgboost": partial(_xgboost, columns=columns),
        "extra_trees": _forest, "random_forest": _forest, "linear": _linear,
        "tfidf_linear": _linear, "knn": _knn, "svm": _svm, "gaussian_process": _gaussian_process, "mlp": _mlp, "nb_svm": _nb_svm,
        "naive_bayes": _naive_bayes, "lda": _lda, "nystroem": _nystroem, "tabular_net": _tabular_net,
        "picture_net": _picture_net,
    }  # fmt: skip
    if member.model in CLASSES_ONLY and not classes:
        raise ValueError(f"member {member.name}: {member.model} is for classes only")
    return builders[member.model](member, classes, rows, metric, balanced)


def _settings(member: Member, defaults: dict[str, Any]) -> dict[str, Any]:
    return {**defaults, **{key: value for key, value in member.params.items() if key != "kind"}}


def _penalised(member: Member, defaults: dict[str, Any], classes: int) -> dict[str, Any]:
    """Settings of a linear model. Classifiers are told ``C``, regressions ``alpha``, its inverse: a member keeps its penalty when the
    recipe's decision turns one into the other."""
    params = _settings(member, defaults)
    other, own = ("alpha", "C") if classes else ("C", "alpha")
    if other in params:
        strength = params.pop(other)
        if own not in member.params:
            params[own] = 1.0 / max(strength, 1e-9)
    return params


def _lightgbm(member: Member, classes: int, rows: int, metric: str, balanced: bool, *, columns: int) -> Estimator:
    defaults: dict[str, Any] = {}
    objective = member.objective or {"mae": "l1", "smape": "l1", "mape": "mape"}.get(metric)
    if objective and (member.objective or not classes):
        defaults["objective"] = objective
    defaults |= {
        "n_estimators": presets.rounds(member, classes, rows), "learning_rate": presets.rate(classes, rows),
        "num_leaves": presets.leaves(classes, rows),
        "min_child_samples": 10 if rows < 500 else 20, "subsample": 0.8, "subsample_freq": 1,
        "colsample_bytree": presets.column_share(columns),
    }  # fmt: skip
    if balanced and classes:
        defaults["class_weight"] = "balanced"
    params = _settings(member, defaults)
    params |= {"importance_type": "gain", "random_state": Code("seed"), "n_jobs": Code("CPUS"), "verbosity": -1}
    name = "LGBMClassifier" if classes else "LGBMRegressor"
    names = f"{name}, early_stopping" if member.early_stopping else name
    return Estimator(name, params, (f"from lightgbm import {names}",), summary="LightGBM")


def _catboost(member: Member, classes: int, rows: int, metric: str, balanced: bool, *, columns: int) -> Estimator:
    """Plain boosting without combinations of categories, at a slower rate: better than the library's defaults at rate 0.08 on 8 of 10 small
    data sets. Combinations cost most where categories are many: without them twice the rounds took half the time there."""
    defaults: dict[str, Any] = {}
    objective = member.objective or ({"mae": "MAE", "smape": "MAE", "mape": "MAPE"}.get(metric) if not classes else None)
    if objective:
        defaults["loss_function"] = objective
    elif classes > 2:
        defaults["loss_function"] = "MultiClass"
    defaults |= {
        "iterations": presets.rounds(member, classes, rows), "learning_rate": presets.catboost_rate(classes), "depth": 6,
        "boosting_type": "Plain", "max_ctr_complexity": 1, "one_hot_max_size": 10,
    }  # fmt: skip
    if columns >= presets.WIDE:  # its symmetric trees miss columns that a narrow table has few of
        defaults["rsm"] = presets.column_share(columns)
    if classes:
        defaults["leaf_estimation_iterations"] = 1
    if balanced and classes:
        defaults["auto_class_weights"] = "Balanced"
    params = _settings(member, defaults)
    params |= {
        "random_seed": Code("seed"), "thread_count": Code("CPUS"), "verbose": False, "allow_writing_files": False,
    }  # fmt: skip
    name = "CatBoostClassifier" if classes else "CatBoostRegressor"
    return Estimator(name, params, (f"from catboost import {name}",), summary="CatBoost")


def _hist(member: Member, classes: int, rows: int, metric: str, balanced: bool, *, columns: int) -> Estimator:
    defaults: dict[str, Any] = {}
    objective = member.objective or ({"mae": "absolute_error", "smape": "absolute_error"}.get(metric) if not classes else None)
    if objective:
        defaults["loss"] = objective
    defaults |= {
        "max_iter": presets.rounds(member, classes, rows), "learning_rate": presets.rate(classes, rows),
        "max_leaf_nodes": presets.leaves(classes, rows),
        "min_samples_leaf": 10 if rows < 500 else 20, "l2_regularization": 1.0, "max_features": presets.column_share(columns),
    }  # fmt: skip
    if balanced and classes:
        defaults["class_weight"] = "balanced"
    if member.encoding == "native":
        defaults["categorical_features"] = "from_dtype"
    params = _settings(member, defaults)
    params |= {"early_stopping": member.early_stopping}
    if member.early_stopping:
        params["n_iter_no_change"] = 30
    params["random_state"] = Code("seed")
    name = "HistGradientBoostingClassifier" if classes else "HistGradientBoostingRegressor"
    return Estimator(name, params, (f"from sklearn.ensemble import {name}",), summary="histogram gradient boosting")


def _xgboost(member: Member, classes: int, rows: int, metric: str, balanced: bool, *, columns: int) -> Estimator:
    defaults: dict[str, Any] = {}
    objective = member.objective or ({"mae": "reg:absoluteerror", "smape": "reg:absoluteerror"}.get(metric) if not classes else None)
    if objective:
        defaults["objective"] = objective
    defaults |= {
        "n_estimators": presets.rounds(member, classes, rows), "learning_rate": presets.rate(classes, rows),
        "max_depth": presets.depth(classes, rows),
        "min_child_weight": 1.0, "subsample": 0.8, "colsample_bytree": presets.column_share(columns),
    }  # fmt: skip
    params = _settings(member, defaults)
    if member.early_stopping:
        params["early_stopping_rounds"] = STOPPING_PATIENCE
    params |= {"enable_categorical": True, "random_state": Code("seed"), "n_jobs": Code("CPUS")}
    name = "XGBClassifier" if classes else "XGBRegressor"
    called = "AnyClasses" if classes > 2 else name
    return Estimator(called, params, (f"from xgboost import {name}",), summary="XGBoost")


def _forest(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    defaults: dict[str, Any] = {
        "n_estimators": 300,
        "min_samples_leaf": 1 if classes > 10 else 2,
        "max_features": "sqrt" if classes else 0.5,
    }
    if balanced and classes:
        defaults["class_weight"] = "balanced"
    params = _settings(member, defaults)
    params |= {"random_state": Code("seed"), "n_jobs": Code("CPUS")}
    base = "ExtraTrees" if member.model == "extra_trees" else "RandomForest"
    name = base + ("Classifier" if classes else "Regressor")
    return Estimator(name, params, (f"from sklearn.ensemble import {name}",), summary=base.replace("T", " t").replace("F", " f").lower())


def _linear(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    text = member.model == "tfidf_linear"
    if classes:
        strength = 0.1 if member.scaling == "spline" else 1.0  # a curve is many correlated inputs
        defaults: dict[str, Any] = {"C": strength, "max_iter": _SOLVER_STEPS}
        if text:  # rows of unit length: SAGA is there after some twenty passes, a tenth of what L-BFGS takes (measured)
            grams = member.text is None or member.text.chars or (member.text.words or (1, 1))[1] > 1
            defaults = {"C": 10.0 if grams else 4.0, "solver": "saga", "tol": 0.03, "max_iter": _SAGA_PASSES, "random_state": Code("seed")}
        if balanced:
            defaults["class_weight"] = "balanced"
        return Estimator(
            "LogisticRegression", _penalised(member, defaults, classes), ("from sklearn.linear_model import LogisticRegression",),
            summary="logistic regression",
        )  # fmt: skip
    variants: dict[str, tuple[str, dict[str, Any], str]] = {
        "ridge": ("Ridge", {"alpha": 1.0 if text else 10.0}, "ridge regression"),
        "lasso": ("Lasso", {"alpha": 0.001, "max_iter": 5_000}, "lasso regression"),
        "elastic_net": ("ElasticNet", {"alpha": 0.001, "l1_ratio": 0.5, "max_iter": 5_000}, "elastic-net regression"),
        "huber": ("HuberRegressor", {"alpha": 0.01, "max_iter": 500}, "Huber regression"),
        "lad": ("QuantileRegressor", {"alpha": 0.0001}, "least-absolute-deviation regression"),
    }
    name, defaults, summary = variants[str(member.params.get("kind", "ridge"))]
    return Estimator(name, _penalised(member, defaults, classes), (f"from sklearn.linear_model import {name}",), summary=summary)


def _knn(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    params = _settings(member, {"n_neighbors": 25, "weights": "distance"})
    params["n_neighbors"] = Code(f"min({params['n_neighbors']}, X.shape[0])")
    params["n_jobs"] = Code("CPUS")
    name = "KNeighborsClassifier" if classes else "KNeighborsRegressor"
    return Estimator(name, params, (f"from sklearn.neighbors import {name}",), summary="nearest neighbours")


def _svm(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    wide = {"gamma": Code("0.3 / X.shape[1]")} if member.params.get("kind") == "wide" else {}
    if classes:
        params = _settings(member, {"C": 1.0, "kernel": "rbf", **wide, **({"class_weight": "balanced"} if balanced else {})})
        return Estimator("SVC", params, ("from sklearn.svm import SVC",), summary="support vector machine")
    params = _settings(member, {"C": 1.0, "kernel": "rbf", **wide, "epsilon": 0.1})
    return _scaled_target("SVR", params, "sklearn.svm", "support vector regression")


def _nystroem(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    """Kernel values to a few hundred landmark rows, and a linear model on them (Williams & Seeger 2001)."""
    params = _penalised(member, {"n_components": 300}, classes)
    key = "C" if classes else "alpha"
    strength = {key: params.pop(key, 1.0 if classes else 0.1)}
    params["n_components"] = Code(f"min({params['n_components']}, X.shape[0])")
    landmarks = Call("Nystroem", (), {**params, "random_state": Code("seed")})
    name = "LogisticRegression" if classes else "Ridge"
    settings = {**strength, "max_iter": _SOLVER_STEPS, **({"class_weight": "balanced"} if balanced else {})} if classes else strength
    imports = (
        "from sklearn.kernel_approximation import Nystroem", f"from sklearn.linear_model import {name}",
        "from sklearn.pipeline import make_pipeline",
    )  # fmt: skip
    return Estimator("make_pipeline", {}, imports, (landmarks, Call(name, (), settings)), "kernel model on landmarks")


def _mlp(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    params = _settings(member, {"hidden_layer_sizes": (64, 32), "alpha": 0.01, "learning_rate_init": 0.001, "max_iter": 60})
    if isinstance(params["hidden_layer_sizes"], list):
        params["hidden_layer_sizes"] = tuple(params["hidden_layer_sizes"])
    params["random_state"] = Code("seed")
    if classes:
        return Estimator("MLPClassifier", params, ("from sklearn.neural_network import MLPClassifier",), summary="neural network")
    return _scaled_target("MLPRegressor", params, "sklearn.neural_network", "neural network")


def _tabular_net(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    """Periodic embeddings and two layers (Gorishniy et al. 2022, On embeddings for numerical features in tabular deep learning)."""
    return _net("TabularNet", {"width": 256, "epochs": 80}, member, classes, metric, "network on periodic embeddings")


def _picture_net(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    return _net("PictureNet", {"width": 32}, member, classes, metric, "convolutional network on the pictures")


def _net(name: str, defaults: dict[str, Any], member: Member, classes: int, metric: str, summary: str) -> Estimator:
    absolute = {"absolute": True} if not classes and metric in ("mae", "mape", "smape") else {}
    params = _settings(member, {**defaults, **absolute}) | {"seed": Code("seed"), "threads": Code("CPUS")}
    return Estimator(name, params, ("import torch", "from torch import nn"), summary=summary)


def _gaussian_process(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    name = "GaussianProcessClassifier" if classes else "GaussianProcessRegressor"
    params = _settings(member, {} if classes else {"normalize_y": True})
    kernel = Code("RBF(X.shape[1] ** 0.5)" if classes else "RBF(X.shape[1] ** 0.5) + WhiteKernel()")
    params = {"kernel": kernel, **params, "random_state": Code("seed")}
    imports = (
        f"from sklearn.gaussian_process import {name}",
        f"from sklearn.gaussian_process.kernels import {'RBF' if classes else 'RBF, WhiteKernel'}",
    )
    return Estimator(name, params, imports, summary="Gaussian process")


def _nb_svm(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    params = _settings(member, {"C": 1.0, "alpha": 1.0})
    return Estimator("NaiveBayesLogistic", params, (), summary="logistic regression on naive-Bayes weighted terms")


def _naive_bayes(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    name = "ComplementNB" if member.params.get("kind") == "complement" else "MultinomialNB"
    counts = member.text is not None and member.text.weighting != "tfidf"
    params = _settings(member, {"alpha": 0.3 if counts else 0.02, **({"fit_prior": False} if balanced else {})})
    return Estimator(name, params, (f"from sklearn.naive_bayes import {name}",), summary="naive Bayes")


def _lda(member: Member, classes: int, rows: int, metric: str, balanced: bool) -> Estimator:
    params = _settings(member, {"solver": "lsqr", "shrinkage": "auto"})
    if balanced:
        params["priors"] = Code("np.full(len(np.unique(y)), 1 / len(np.unique(y)))")
    name = "LinearDiscriminantAnalysis"
    return Estimator(name, params, (f"from sklearn.discriminant_analysis import {name}",), summary="linear discriminant analysis")


def _scaled_target(name: str, params: dict[str, Any], module: str, summary: str) -> Estimator:
    """A regressor whose settings suppose a target of unit scale."""
    imports = (
        f"from {module} import {name}", "from sklearn.compose import TransformedTargetRegressor",
        "from sklearn.preprocessing import StandardScaler",
    )  # fmt: skip
    positional = (Call(name, (), params),)
    return Estimator("TransformedTargetRegressor", {"transformer": Call("StandardScaler")}, imports, positional, summary)
