"""Following relations from entities, as sparse products over the train graph."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from gome_kge.data.graph import Triples, with_inverses
from gome_kge.data.index import Ints

MOST = 4_000_000
"""Pairs a walk may reach; a body that reaches more says little about any of them."""


class Walker:
    """One 0/1 matrix a relation, inverse ones included, of shape (E, E)."""

    def __init__(self, train: Triples, n_entities: int, n_relations: int) -> None:
        self.n_entities, self.n_relations = n_entities, n_relations
        triples = with_inverses(train, n_relations)
        triples = triples[np.argsort(triples[:, 1], kind="stable")]
        begin = np.searchsorted(triples[:, 1], np.arange(2 * n_relations + 1))
        self.steps: list[Any] = []
        for r in range(2 * n_relations):
            part = triples[begin[r] : begin[r + 1]]
            ones = np.ones(len(part), dtype=np.float32)
            self.steps.append(sp.csr_array((ones, (part[:, 0], part[:, 2])), shape=(n_entities, n_entities)))

    def inverse(self, relation: int) -> int:
        """The relation the other way round."""
        return relation + self.n_relations if relation < self.n_relations else relation - self.n_relations

    def reach(self, heads: Ints, body: tuple[int, ...]) -> Any:
        """(len(heads), E) sparse 0/1: who is reached from each head by the relations of `body`; None if far too many are."""
        found = self.steps[body[0]][heads]
        for relation in body[1:]:
            found = found @ self.steps[relation]
            if found.nnz > MOST:
                return None
            found.data[:] = 1.0
        return found

    def paths(self, head: int, tail: int, body: tuple[int, ...], limit: int = 3) -> list[list[int]]:
        """Up to `limit` walks from `head` to `tail` along `body`, each as its entities, both ends included."""
        found = [[head]]
        for position, relation in enumerate(body):
            rest = body[position + 1 :]
            ends = {tail}
            if rest:
                back = self.reach(np.array([tail]), tuple(self.inverse(r) for r in reversed(rest)))
                ends = set() if back is None else set(back.indices.tolist())
            row = self.steps[relation]
            longer: list[list[int]] = []
            for path in found:
                after = row.indices[row.indptr[path[-1]] : row.indptr[path[-1] + 1]].tolist()
                longer.extend([*path, entity] for entity in after if entity in ends)
            found = longer[: limit * 4]
        return found[:limit]
