"""Slates: several slots filled at once, logged with a probability for each slot.

All take ``weights`` (n, L): target over logging probability of the item in each slot (of the item given those above it, for `sips` and
`rips`). Rewards are for the slate (n,) or for each slot (n, L).
"""

import numpy as np

from gome_guard.log import Array


def pseudo_inverse(weights: Array, reward: Array) -> Array:
    """Terms (n,) of the pseudo-inverse estimator for slots logged independently: r (1 + sum_l (w_l - 1)).

    Unbiased where the slate's reward is a sum over slots. Swaminathan et al., NeurIPS 2017; the product case as in Vlassis
    et al., ICML 2021.
    """
    return np.asarray(reward * (1 + (weights - 1).sum(axis=1)))


def sips(weights: Array, reward: Array) -> Array:
    """Terms of standard IPS on the whole slate: prod_l w_l times the summed reward. Unbiased whatever the interaction, and noisy."""
    return np.asarray(weights.prod(axis=1) * (reward if reward.ndim == 1 else reward.sum(axis=1)))


def iips(weights: Array, reward: Array) -> Array:
    """Terms of independent IPS: sum_l w_l r_l, for clicks that depend on their own slot alone (Li et al., KDD 2018)."""
    return np.asarray((weights * reward).sum(axis=1))


def rips(weights: Array, reward: Array) -> Array:
    """Terms of reward-interaction IPS: sum_l (prod_{j <= l} w_j) r_l, for users who read from the top (McInerney et al., KDD 2020)."""
    return np.asarray((np.cumprod(weights, axis=1) * reward).sum(axis=1))
