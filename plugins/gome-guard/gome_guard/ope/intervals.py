"""How far an estimate may be off: normal, empirical Bernstein, bootstrap, and confidence sequences."""

from typing import Any

import numpy as np
from scipy import stats

from gome_graph.errors import TaskError
from gome_guard.log import Array
from gome_guard.records import Interval

METHODS = ("normal", "empirical_bernstein", "bootstrap", "confidence_sequence")
BOOTSTRAP_DRAWS = 1000
BOOTSTRAP_BLOCKS = 4000
"""More rows than this are first averaged over random blocks of equal size: the mean's spread is the same, the cost is not."""
SHORT_STEP = 0.5
"""Largest bet of the confidence sequence: c of Waudby-Smith and Ramdas (JRSS B 2024), section 3.2, "1/2 or 3/4 are sensible"."""


def interval(
    values: Array, method: str = "normal", *, level: float = 0.95, bounds: tuple[float, float] | None = None, seed: int = 0
) -> Interval:
    """A two-sided interval for the mean of i.i.d. `values` (n,).

    `bounds` are the smallest and largest values that *can* occur; `empirical_bernstein` and `confidence_sequence` need them and hold for
    every n, the others hold as n grows.
    """
    if method not in METHODS:
        raise TaskError(f"there is no interval {method!r}; there are: {', '.join(METHODS)}.")
    n = len(values)
    if n < 2:
        raise TaskError(f"an interval needs at least 2 rows, there are {n}.")
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    error = spread / np.sqrt(n)
    if method == "normal":
        half = float(stats.t.ppf((1 + level) / 2, n - 1)) * error
        low, high = mean - half, mean + half
    elif method == "bootstrap":
        low, high = _bootstrap(values, level, seed)
    else:
        if bounds is None:
            raise TaskError(f"{method} needs bounds: the smallest and largest values that a row's term can take.")
        _inside(values, bounds)
        low, high = _bernstein(mean, spread, n, level, bounds) if method == "empirical_bernstein" else _last(values, level, bounds)
    return Interval(value=mean, low=float(low), high=float(high), level=level, method=method, n=n, error=float(error))


def _inside(values: Array, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if values.min() < low - 1e-9 or values.max() > high + 1e-9:
        raise TaskError(f"values lie between {values.min():g} and {values.max():g}, outside their bounds {low:g} to {high:g}.")


def _bernstein(mean: float, spread: float, n: int, level: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """Maurer and Pontil (COLT 2009), theorem 4, at half the error for each side."""
    log_term = np.log(4 / (1 - level))
    half = np.sqrt(2 * spread**2 * log_term / n) + 7 * (bounds[1] - bounds[0]) * log_term / (3 * (n - 1))
    return max(mean - half, bounds[0]), min(mean + half, bounds[1])


def _bootstrap(values: Array, level: float, seed: int) -> tuple[float, float]:
    """Studentised bootstrap (Efron and Tibshirani 1993, section 12.5): right to second order, which skewed weights need."""
    rng = np.random.default_rng(seed)
    n = len(values)
    if n > BOOTSTRAP_BLOCKS:
        size = n // BOOTSTRAP_BLOCKS
        kept = rng.permutation(n)[: size * BOOTSTRAP_BLOCKS]
        blocks = values[kept].reshape(BOOTSTRAP_BLOCKS, size).mean(axis=1)
    else:
        blocks = values
    m, mean = len(blocks), float(values.mean())
    centre, error = float(blocks.mean()), float(blocks.std(ddof=1)) / np.sqrt(m)
    if error == 0:
        return mean, mean
    ratios = np.empty(BOOTSTRAP_DRAWS)
    step = max(1, 4_000_000 // m)
    for start in range(0, BOOTSTRAP_DRAWS, step):
        stop = min(start + step, BOOTSTRAP_DRAWS)
        drawn = blocks[rng.integers(0, m, (stop - start, m))]
        spread = drawn.std(axis=1, ddof=1) / np.sqrt(m)
        ratios[start:stop] = (drawn.mean(axis=1) - centre) / np.maximum(spread, 1e-3 * error)
    lower, upper = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return mean - float(upper) * error, mean - float(lower) * error


def confidence_sequence(values: Array, *, level: float = 0.95, bounds: tuple[float, float]) -> tuple[Array, Array]:
    """Lower and upper ends (n,) that hold for all n at once: look as often as you like, stop when you like.

    The predictable plug-in empirical-Bernstein sequence of Waudby-Smith and Ramdas (JRSS B 2024), theorem 2.
    """
    _inside(values, bounds)
    low, width = bounds[0], bounds[1] - bounds[0]
    if width <= 0:
        return np.full(len(values), low), np.full(len(values), low)
    x = (values - low) / width
    alpha, t = 1 - level, np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    before_mean, before_variance = np.r_[0.5, mean[:-1]], np.r_[0.25, variance[:-1]]
    bet = np.minimum(np.sqrt(2 * np.log(2 / alpha) / (before_variance * t * np.log(1 + t))), SHORT_STEP)
    cost = 4 * (x - before_mean) ** 2 * (-np.log1p(-bet) - bet) / 4
    stake = np.cumsum(bet)
    centre, half = np.cumsum(bet * x) / stake, (np.log(2 / alpha) + np.cumsum(cost)) / stake
    lower = np.maximum.accumulate(np.maximum(centre - half, 0.0))
    upper = np.minimum.accumulate(np.minimum(centre + half, 1.0))
    return low + width * lower, low + width * upper


def _last(values: Array, level: float, bounds: tuple[float, float]) -> tuple[float, float]:
    lower, upper = confidence_sequence(values, level=level, bounds=bounds)
    return float(lower[-1]), float(upper[-1])


def proportion(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Clopper and Pearson's interval for a share; (0, 1) where nothing was seen."""
    if n == 0:
        return Interval(value=0.0, low=0.0, high=1.0, level=level, method="clopper_pearson")
    tail = (1 - level) / 2
    beta: Any = stats.beta
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return Interval(value=successes / n, low=low, high=high, level=level, method="clopper_pearson", n=n)
