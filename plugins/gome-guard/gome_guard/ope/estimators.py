"""Off-policy value estimators, vectorised, as per-row terms whose mean is the value.

Notation: logged action a with probability p, reward r, target policy pi, weight w = pi(a|x) / p, reward model q(x, .), and
q_pi = sum_a pi(a|x) q(x, a). Every estimator returns ``terms`` (n,) with ``value = mean(terms)``. For the self-normalised ones the terms
are their influence values, so intervals, pairs and segments work for all alike.

| name | terms | source |
|---|---|---|
| dm | q_pi | |
| ips | w r | Horvitz and Thompson, JASA 1952 |
| clipped_ips | min(w, M) r | Ionides, JCGS 2008 |
| snips | influence of sum(w r) / sum(w) | Swaminathan and Joachims, NeurIPS 2015 |
| dr | q_pi + w (r - q) | Dudik, Langford and Li, ICML 2011 |
| sndr | mean(q_pi) + influence of sum(w (r - q)) / sum(w) | Thomas and Brunskill, ICML 2016 (weighted DR) |
| switch_dr | q_pi + w (r - q) where w <= tau | Wang, Agarwal and Dudik, ICML 2017 |
| dros | q_pi + lambda w / (w^2 + lambda) (r - q) | Su et al., ICML 2020, "optimistic shrinkage" |
| mrdr | dr with a model fitted for its variance (see `model.py`) | Farajtabar, Chow and Ghavamzadeh, ICML 2018 |
| cab | sum_a pi q max(0, 1 - M p/pi) + min(w, M) r | Su et al., ICML 2019 |
"""

from collections.abc import Iterable

import numpy as np

from gome_graph.errors import TaskError
from gome_graph.records import Record
from gome_guard.log import Array, Log

NAMES = ("dm", "ips", "clipped_ips", "snips", "dr", "sndr", "switch_dr", "dros", "mrdr", "cab")
NEED_MODEL = frozenset({"dm", "dr", "sndr", "switch_dr", "dros", "cab"})


class Settings(Record):
    """Knobs of the estimators that trade variance for bias."""

    clip: float = 10.0
    """M of clipped_ips and cab: a row counts as at most ten; the usual choice where weights are not bounded by design."""
    switch: float = 10.0
    """tau of switch_dr."""
    shrink: float = 100.0
    """lambda of dros: a weight of sqrt(lambda) = 10 is halved."""


def terms(
    name: str, log: Log, policy: Array, q: Array | None = None, settings: Settings | None = None, *, q_mrdr: Array | None = None
) -> Array:
    """Per-row terms (n,) of one estimator for a policy ``(n, k)``; `q` is the reward model ``(n, k)``.

    Raises
    ------
    TaskError
        If the estimator does not exist or needs something the log does not hold.
    """
    chosen = settings or Settings()
    if name not in NAMES:
        raise TaskError(f"there is no estimator {name!r}; there are: {', '.join(NAMES)}.")
    weight = log.at_chosen(policy) / log.propensity
    if name == "ips":
        return np.asarray(weight * log.reward)
    if name == "clipped_ips":
        return np.asarray(np.minimum(weight, chosen.clip) * log.reward)
    if name == "snips":
        return ratio(weight * log.reward, weight)
    model = q_mrdr if name == "mrdr" else q
    if model is None:
        raise TaskError(f"{name} needs a reward model; give one, or choose ips, clipped_ips or snips.")
    if name == "cab":
        return _cab(log, policy, model, weight, chosen.clip)
    direct: Array = np.einsum("nk,nk->n", policy, model)
    residual = log.reward - log.at_chosen(model)
    if name == "dm":
        return direct
    if name == "sndr":
        return np.asarray(direct + ratio(weight * residual, weight))
    if name == "switch_dr":
        weight = np.where(weight <= chosen.switch, weight, 0.0)
    elif name == "dros":
        weight = chosen.shrink * weight / (weight**2 + chosen.shrink)
    return np.asarray(direct + weight * residual)


def ratio(over: Array, under: Array) -> Array:
    """Influence terms of mean(over) / mean(under), their mean being the ratio (delta method)."""
    mean = float(under.mean())
    if mean <= 0:
        raise TaskError("the policy never chooses a logged action, so nothing can be said about it; log more exploration.")
    value = float(over.mean()) / mean
    return np.asarray(value + (over - value * under) / mean)


def _cab(log: Log, policy: Array, q: Array, weight: Array, clip: float) -> Array:
    if log.logging is None:
        raise TaskError(
            "cab needs the logging probabilities of all candidates (`logging`), and the log holds those of the actions taken alone."
        )
    rest = np.maximum(policy - clip * log.logging, 0.0)  # pi max(0, 1 - M p / pi)
    return np.asarray(np.einsum("nk,nk->n", rest, q) + np.minimum(weight, clip) * log.reward)


def available(log: Log) -> list[str]:
    """Estimators that this log can bear."""
    return [name for name in NAMES if name != "cab" or log.logging is not None]


def all_terms(
    log: Log, policy: Array, q: Array, q_mrdr: Array | None = None, names: Iterable[str] | None = None, settings: Settings | None = None
) -> dict[str, Array]:
    """Terms of several estimators, by name."""
    return {
        name: terms(name, log, policy, q, settings, q_mrdr=q_mrdr)
        for name in (available(log) if names is None else names)
        if name != "mrdr" or q_mrdr is not None
    }
