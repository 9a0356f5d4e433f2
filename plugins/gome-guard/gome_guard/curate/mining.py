"""Neighbours of a sample in the log: requests that are so alike that what was right for one is right for the other."""

import numpy as np

from gome_guard.log import Array

RADIUS = 0.7
"""Smallest cosine of a mined neighbour."""
MOST = 8
"""Neighbours of one sample; more let a loud cluster outvote the rest."""


def mine(
    x: Array, accept: Array, log_x: Array, log_candidates: Array, log_before: Array, *, radius: float = RADIUS, most: int = MOST
) -> tuple[Array, Array]:
    """(sample index, log row) pairs.

    x (n, d) and accept (n,) codes are the samples'; log_x (m, d), log_candidates (m, k) and log_before (m,) codes (what the earlier policy
    would have taken) the log's. A neighbour must be near, be offered the accepted action, and be one where the earlier policy took it:
    two independent signs that it is right there too. A log row goes to its nearest sample only.
    """
    owner, where = [], []
    for action in np.unique(accept):
        rows = np.flatnonzero(accept == action)
        fits = np.flatnonzero((log_before == action) & (log_candidates == action).any(1))
        if not len(fits):
            continue
        close = log_x[fits] @ x[rows].T
        nearest = close.argmax(1)
        best = close[np.arange(len(fits)), nearest]
        order = np.argsort(-best, kind="stable")
        taken = np.zeros(len(rows), int)
        for position in order:
            if best[position] < radius:
                break
            sample = nearest[position]
            if taken[sample] < most:
                taken[sample] += 1
                owner.append(rows[sample])
                where.append(fits[position])
    return np.array(owner, dtype=int), np.array(where, dtype=int)
