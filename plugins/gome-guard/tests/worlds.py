"""Small worlds in which everything can be enumerated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gome_guard.log import Log

Array = NDArray[Any]


@dataclass(frozen=True)
class World:
    """m contexts, k actions, Bernoulli rewards; everything is known."""

    contexts: Array
    """(m,) probabilities."""
    logging: Array
    """(m, k)"""
    target: Array
    """(m, k)"""
    reward: Array
    """(m, k) mean rewards."""

    @property
    def value(self) -> float:
        return float(self.contexts @ (self.target * self.reward).sum(1))

    def every_outcome(self) -> tuple[Log, Array, Array]:
        """One row for each (context, action, reward 0 or 1) with its probability: log, target (n, k), probability (n,)."""
        m, k = self.reward.shape
        x, a, r = (part.ravel() for part in np.meshgrid(range(m), range(k), (0, 1), indexing="ij"))
        chance = self.contexts[x] * self.logging[x, a] * np.where(r == 1, self.reward[x, a], 1 - self.reward[x, a])
        return self.log(x, a, r), self.target[x], chance

    def draw(self, n: int, seed: int) -> tuple[Log, Array]:
        """n logged rows and the target policy for them."""
        rng = np.random.default_rng(seed)
        x = rng.choice(len(self.contexts), n, p=self.contexts)
        a = (self.logging[x].cumsum(1) < rng.random(n)[:, None]).sum(1)
        return self.log(x, a, (rng.random(n) < self.reward[x, a]).astype(float)), self.target[x]

    def log(self, x: Array, a: Array, r: Array) -> Log:
        k = self.reward.shape[1]
        return Log(
            ids=np.arange(len(x)).astype(str), actions=tuple(map(str, range(k))),
            candidates=np.tile(np.arange(k, dtype=np.int32), (len(x), 1)), chosen=a, propensity=self.logging[x, a], reward=r.astype(float),
            segments=tuple(f"x{i}" for i in range(len(self.contexts))),
            segment=x.astype(np.int32), logging=self.logging[x],
        )  # fmt: skip


def world(seed: int = 0, m: int = 3, k: int = 4) -> World:
    """A random world with exploration of at least 0.05 for every action."""
    rng = np.random.default_rng(seed)
    logging = 0.05 + (1 - 0.05 * k) * rng.dirichlet(np.ones(k), m)
    return World(rng.dirichlet(np.ones(m) * 3), logging, rng.dirichlet(np.ones(k) * 0.5, m), rng.uniform(0.1, 0.9, (m, k)))
