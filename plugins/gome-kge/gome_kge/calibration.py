"""From scores to frequencies: how often a triple with such a score is true.

Platt scaling (a logistic curve) on validation triples against corrupted ones, one negative a positive by a uniform draw that is no known
triple. So 0.8 means: of true and drawn false triples in equal number, four of five with this score are true.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from gome_kge.data.graph import KnowledgeGraph, Triples
from gome_kge.data.index import PairIndex
from gome_kge.predictor import Predictor

DRAWS = 20
"""Attempts at a corruption that is not known to be true."""


def scores_of(predictor: Predictor, triples: Triples) -> NDArray[np.float64]:
    """(n,) score of each triple as a tail question."""
    found = np.empty(len(triples))
    for at in np.array_split(np.arange(len(triples)), max(1, len(triples) // 256)):
        rows = predictor.scorer(triples[at, 0], triples[at, 1])
        found[at] = rows[np.arange(len(at)), triples[at, 2]]
    return found


def corrupted(triples: Triples, graph: KnowledgeGraph, seed: int) -> Triples:
    """Each triple with another tail that no split knows."""
    rng = np.random.default_rng([seed, 1])
    known = PairIndex.tails(graph.known, graph.n_relations)
    facts = set((known.keys.repeat(known.counts) * graph.n_entities + known.values).tolist())
    found = triples.copy()
    open_ = np.arange(len(triples))
    for _ in range(DRAWS):
        found[open_, 2] = rng.integers(graph.n_entities, size=len(open_))
        key = (found[open_, 0] * graph.n_relations + found[open_, 1]) * graph.n_entities + found[open_, 2]
        open_ = open_[[int(k) in facts for k in key]]
        if not len(open_):
            break
    return np.delete(found, open_, axis=0)


@dataclass(frozen=True)
class Calibration:
    """p = 1 / (1 + exp(-(slope * score + intercept)))."""

    slope: float
    intercept: float

    def probability(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Frequencies of scores."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * scores + self.intercept))))


def calibrate(predictor: Predictor, seed: int = 0) -> Calibration:
    """Fit the curve on the validation split."""
    graph = predictor.graph
    false = corrupted(graph.valid, graph, seed)
    x = np.concatenate([scores_of(predictor, graph.valid), scores_of(predictor, false)])
    y = np.concatenate([np.ones(len(graph.valid)), np.zeros(len(false))])
    model = LogisticRegression().fit(x[:, None], y)
    return Calibration(float(model.coef_[0, 0]), float(model.intercept_[0]))
