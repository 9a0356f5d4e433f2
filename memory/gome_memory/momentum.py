"""Momentum: which remembered steps speak to the hypotheses at hand. Pure functions, no storage, no clock.

For hypothesis i and experience j the weight is ``cos(e_i, e_j) * exp(-gamma * L) + tanh(z_j)``: similarity counts for less
the further a trace has come, a measured gain always counts the same. z_j is the gain in noise units (gain / standard
error), so neither the unit nor the direction of a metric can change a ranking.

References
----------
"Reasoning as Gradient: Scaling MLE Agents Beyond Tree Search" (arXiv 2603.01692), success memory; z_j in noise units instead
of the raw score difference is this project's change (docs/architecture.md, "Momentum").
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

HALF_LIFE_STEPS = 30
"""Steps on a trace after which similarity counts half (docs/architecture.md, "Momentum": gamma = ln 2 / 30)."""

GAMMA = math.log(2) / HALF_LIFE_STEPS

SAMPLES = 2
"""Successes drawn by chance beside the best one."""

FAILURES = 8
"""Nearest failures shown: as many as a step has proposals, so that none is repeated for want of a warning."""


@dataclass(frozen=True)
class Candidate:
    """A retrieved experience, reduced to what ranking needs."""

    key: str
    success: bool
    gain_in_noise: float
    similarities: tuple[float, ...]
    """Cosine with each hypothesis asked about; empty if there was none."""


@dataclass(frozen=True)
class Ranked:
    """A candidate with its numbers."""

    key: str
    success: bool
    similarity: float
    """Cosine with the nearest hypothesis."""
    weight: float
    probability: float
    """Softmax share among the successes; 0 for failures."""


def weight(similarity: float, gain_in_noise: float, trace_steps: int) -> float:
    """``cos * exp(-gamma L) + tanh(z)``. A gain that is not a number counts as none."""
    gain = 0.0 if math.isnan(gain_in_noise) else gain_in_noise
    return similarity * math.exp(-GAMMA * trace_steps) + math.tanh(gain)


def rank(candidates: Iterable[Candidate], trace_steps: int, terms: Mapping[str, float] | None = None) -> list[Ranked]:
    """Weigh every candidate; successes carry their softmax share.

    Over several hypotheses an experience counts with the one it is nearest to (the largest weight over i, since the decay is
    positive and the gain does not depend on i). `terms` adds something of a plugin's own to the weight of a key.

    Returns
    -------
    list of Ranked
        Heaviest first; ties go by key, so that the same memory gives the same order whatever order it was read in.
    """
    weighed = []
    for item in candidates:
        similarity = max(item.similarities, default=0.0)
        further = 0.0 if terms is None else terms.get(item.key, 0.0)
        weighed.append((item, similarity, weight(similarity, item.gain_in_noise, trace_steps) + further))
    weighed.sort(key=lambda entry: (-entry[2], entry[0].key))
    top = max((value for item, _, value in weighed if item.success), default=0.0)
    # Subtracting the largest weight keeps exp() from overflowing and changes no share.
    total = sum(math.exp(value - top) for item, _, value in weighed if item.success)
    return [
        Ranked(item.key, item.success, similarity, value, math.exp(value - top) / total if item.success else 0.0)
        for item, similarity, value in weighed
    ]


def choose(ranked: Sequence[Ranked], seed: int) -> tuple[list[Ranked], list[Ranked]]:
    """The best success and two others drawn by their softmax shares; the nearest failures.

    Parameters
    ----------
    ranked : sequence of Ranked
        As `rank` returns it.
    seed : int
        Same ranking and same seed, same choice.

    Returns
    -------
    successes : list of Ranked
        At most three, distinct, heaviest first.
    failures : list of Ranked
        At most `FAILURES`, nearest first.
    """
    successes = [item for item in ranked if item.success]
    chosen = successes[:1]
    # Drawing two that are neither equal nor the best one is the same as drawing from the softmax until that is so.
    others = successes[1:]
    if others:
        shares = np.array([item.probability for item in others])
        rng = np.random.default_rng(seed % 2**64)
        drawn = rng.choice(len(others), size=min(SAMPLES, len(others)), replace=False, p=shares / shares.sum())
        chosen += [others[index] for index in sorted(drawn)]
    failures = sorted((item for item in ranked if not item.success), key=lambda item: (-item.similarity, item.key))
    return chosen, failures[:FAILURES]
