"""The one door through which validation reaches a training: a fixed sample, turned into a number."""

from typing import TYPE_CHECKING

import numpy as np

from gome_kge.data.graph import KnowledgeGraph, Triples
from gome_kge.evaluation.ranking import known_index, rank
from gome_kge.evaluation.report import metrics
from gome_kge.scoring import scorer_of

if TYPE_CHECKING:
    from gome_kge.training.trainer import Trainer, Validate


def sample(triples: Triples, size: int, seed: int) -> Triples:
    """At most `size` of the triples, always the same ones for a seed."""
    if len(triples) <= size:
        return triples
    return triples[np.sort(np.random.default_rng([seed, size]).choice(len(triples), size, replace=False))]


def validator(graph: KnowledgeGraph, size: int, seed: int = 0) -> "Validate":
    """A function from a trainer to its MRR on a fixed validation sample, filtered by all known triples as the literature does.

    Filtering takes known answers out of the competition; were test triples left in, a model would be marked down for ranking them high.
    """
    part = sample(graph.valid, size, seed)
    known = known_index(graph.known, graph.n_relations)

    def validate(trainer: "Trainer") -> float:
        ranks = rank(scorer_of(trainer.model, trainer.tables), part, known, graph.n_entities, graph.n_relations)
        return metrics(ranks.realistic)["mrr"]

    return validate
