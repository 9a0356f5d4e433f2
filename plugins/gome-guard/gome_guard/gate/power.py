"""What a test of n samples can find, and how often it cries wolf."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from gome_guard.log import Array
from gome_guard.ope.intervals import proportion
from gome_guard.records import Interval


def smallest_failing(n: int, churn: float, alpha: float) -> int:
    """Fewest flips among n that churn explains with a probability of at most `alpha`; n + 1 if none is."""
    tails = stats.binom.sf(np.arange(n + 1) - 1, n, churn)
    hit = np.flatnonzero(tails <= alpha)
    return int(hit[0]) if len(hit) else n + 1


def power(n: int, broken: float, fails_from: int) -> float:
    """Probability to fail a segment of which a share is broken."""
    return float(stats.binom.sf(fails_from - 1, n, broken))


def false_block(n: int, churn: float, fails_from: int) -> float:
    """Probability to fail a segment with churn alone."""
    return float(stats.binom.sf(fails_from - 1, n, churn))


def measure_churn(right: Sequence[Array]) -> Interval:
    """Churn floor from at least two re-seeded incumbents: `right[s]` (n,) says where seed s is right; flips of every ordered pair."""
    flips = total = 0
    for i, old in enumerate(right):
        for j, new in enumerate(right):
            if i != j:
                flips += int((old & ~new).sum())
                total += int(old.sum())
    return proportion(flips, total)
