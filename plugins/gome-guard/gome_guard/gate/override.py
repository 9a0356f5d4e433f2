"""What to serve while a candidate is not good enough: the incumbent where a segment fails, the accepted action where a sample says so."""

from dataclasses import dataclass

import numpy as np

from gome_guard.log import Array

RADIUS = 0.8
"""Cosine within which a sample's lesson is applied to another request."""


@dataclass(frozen=True)
class Overrides:
    """Table of samples that overrule a policy near them, with arrays as `lookup` needs them."""

    x: Array
    """(m, d) unit features"""
    accept: Array
    """(m,) code of the accepted action"""
    reject: Array
    """(m,) code of the rejected action"""
    radius: float = RADIUS

    def __len__(self) -> int:
        return len(self.x)

    def lookup(self, x: Array, candidates: Array, greedy: Array) -> Array:
        """Position (n,) to take instead, -1 where the policy's own choice stands.

        A request is overruled by its nearest sample, if that is within the radius, the policy prefers the action that it rejects, and the
        accepted one is on offer.
        """
        out = np.full(len(x), -1)
        if not len(self.x) or not len(x):
            return out
        for start in range(0, len(x), CHUNK):
            part = slice(start, start + CHUNK)
            nearest, near = nearest_within(self.x, x[part], self.radius)
            wanted = candidates[part] == self.accept[nearest][:, None]
            preferred = np.take_along_axis(candidates[part], greedy[part][:, None].astype(np.int64), 1)[:, 0]
            hit = near & wanted.any(1) & (preferred == self.reject[nearest])
            out[part] = np.where(hit, wanted.argmax(1), -1)
        return out


CHUNK = 4096


def nearest_within(table: Array, x: Array, radius: float) -> tuple[Array, Array]:
    """Row (n,) of `table` (m, d) nearest to each of ``x`` (n, d), and (n,) bool whether its cosine reaches the radius."""
    close = x @ table.T
    nearest = close.argmax(1)
    return nearest, close[np.arange(len(nearest)), nearest] >= radius


def fall_back(new: Array, old: Array, old_action: Array, failing: Array) -> Array:
    """(n, k) probabilities: the incumbent's where its preferred action (n,) is one of the failing segments' codes, else the candidate's."""
    keep = np.isin(old_action, failing)
    return np.where(keep[:, None], old, new)
