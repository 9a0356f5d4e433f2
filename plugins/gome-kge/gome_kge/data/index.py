"""From (first, second) to its sorted values, as compressed sparse rows: O(log n) to find a pair, O(1) to draw from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gome_kge.data.graph import Triples

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PairIndex:
    """Rows are the distinct pairs in ascending order; row i holds ``values[start[i] : start[i + 1]]``, ascending and distinct."""

    keys: Ints
    """first * `width` + second, ascending."""
    start: Ints
    values: Ints
    width: int

    @classmethod
    def of(cls, first: Ints, second: Ints, values: Ints, width: int) -> "PairIndex":
        """Index `values` by pairs; `width` is one more than the largest `second`."""
        key = first * width + second
        order = np.lexsort((values, key))
        key, values = key[order], values[order]
        if len(key):
            new = np.ones(len(key), dtype=bool)
            new[1:] = (key[1:] != key[:-1]) | (values[1:] != values[:-1])
            key, values = key[new], values[new]
        keys, start = np.unique(key, return_index=True)
        return cls(keys, np.append(start, len(key)).astype(np.int64), values, width)

    @classmethod
    def tails(cls, triples: Triples, n_relations: int) -> "PairIndex":
        """(head, relation) -> tails. `n_relations` counts inverse relations if there are any."""
        return cls.of(triples[:, 0], triples[:, 1], triples[:, 2], n_relations)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def first(self) -> Ints:
        return self.keys // self.width

    @property
    def second(self) -> Ints:
        return self.keys % self.width

    @property
    def counts(self) -> Ints:
        return np.diff(self.start)

    def rows(self, first: Ints, second: Ints) -> Ints:
        """Row of each pair, -1 where there is none."""
        if not len(self.keys):
            return np.full(len(first), -1, dtype=np.int64)
        key = first * self.width + second
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where(self.keys[at] == key, at, -1)

    def gather(self, rows: Ints) -> tuple[Ints, Ints]:
        """All values of `rows`: (position in `rows`, value) for each, in order. Rows of -1 hold nothing."""
        found = np.flatnonzero(rows >= 0)
        if not len(found):
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty
        begin = self.start[rows[found]]
        count = self.start[rows[found] + 1] - begin
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(found, count), self.values[np.repeat(begin, count) + offset]

    def draw(self, rows: Ints, rng: np.random.Generator) -> Ints:
        """One value of each row, uniformly, in O(1) a row; rows must be >= 0."""
        begin = self.start[rows]
        count = self.start[rows + 1] - begin
        return self.values[begin + (rng.random(len(rows)) * count).astype(np.int64)]
