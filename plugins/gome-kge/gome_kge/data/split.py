"""Holding out triples so that everything they mention stays in train."""

import numpy as np

from gome_kge.data.graph import Triples


def hold_out(triples: Triples, n_entities: int, size: int, seed: int) -> tuple[Triples, Triples]:
    """(rest, held out): at most `size` triples by a seed, each of whose entities and relation still stand in the rest.

    Fewer come back where the graph is too sparse; never one that would make its entity unseen.
    """
    rng = np.random.default_rng([seed, size])
    degree = np.bincount(triples[:, [0, 2]].ravel(), minlength=n_entities)
    uses = np.bincount(triples[:, 1])
    chosen = np.zeros(len(triples), dtype=bool)
    left = size
    for i in rng.permutation(len(triples)):
        if not left:
            break
        h, r, t = triples[i]
        need_h = 2 if h != t else 3
        if degree[h] >= need_h and degree[t] >= need_h and uses[r] >= 2:
            degree[h] -= 1
            degree[t] -= 1
            uses[r] -= 1
            chosen[i] = True
            left -= 1
    return triples[~chosen], triples[chosen]
