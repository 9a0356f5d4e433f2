"""From ranks to numbers: overall, by type of rank, side, relation, cardinality, and for entities that train shows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gome_kge.data.graph import KnowledgeGraph, Triples
from gome_kge.evaluation.ranking import Ranks

KINDS = ("realistic", "optimistic", "pessimistic")
HITS = (1, 3, 10)
MANY = 1.5
"""Tails a head (heads a tail) from which a relation counts as "many" (Bordes et al., NIPS 2013, section 4.3)."""


def metrics(ranks: NDArray[np.float64]) -> dict[str, float]:
    """``mrr``, ``hits@1``, ``hits@3``, ``hits@10``, ``mean_rank`` of any array of ranks."""
    flat = ranks.ravel()
    found = {"mrr": float(np.mean(1.0 / flat))}
    found.update({f"hits@{k}": float(np.mean(flat <= k)) for k in HITS})
    found["mean_rank"] = float(np.mean(flat))
    return {name: round(value, 6) for name, value in found.items()}


def standard_error(ranks: NDArray[np.float64]) -> float:
    """Of the MRR over triples (both sides of a triple averaged first, as they are not independent)."""
    each = (1.0 / ranks).mean(axis=1)
    return float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")


def cardinality(train: Triples, n_relations: int) -> list[str]:
    """``1-1``, ``1-N``, ``N-1`` or ``N-N`` of each relation, by its train triples."""
    kinds = []
    for r in range(n_relations):
        part = train[train[:, 1] == r]
        if not len(part):
            kinds.append("unseen")
            continue
        tails = len(part) / len(np.unique(part[:, 0]))
        heads = len(part) / len(np.unique(part[:, 2]))
        kinds.append(f"{'N' if heads >= MANY else '1'}-{'N' if tails >= MANY else '1'}")
    return kinds


def report(ranks: Ranks, graph: KnowledgeGraph, *, detail: bool = True) -> dict[str, Any]:
    """The JSON object of an evaluation: the four standard metrics by realistic rank on top, everything else under names."""
    real = ranks.realistic
    found: dict[str, Any] = {name: value for name, value in metrics(real).items() if name != "mean_rank"}
    found["mrr_standard_error"] = round(standard_error(real), 6)
    found["triples"] = len(ranks.triples)
    found["by_rank_type"] = {kind: metrics(ranks.of(kind)) for kind in KINDS}
    tied = ranks.pessimistic > ranks.optimistic
    found["ties"] = {
        "share_of_ranks": round(float(tied.mean()), 6),
        "largest": int((ranks.pessimistic - ranks.optimistic).max()) + 1 if tied.any() else 1,
        "mrr_optimistic_minus_pessimistic": round(float(np.mean(1 / ranks.optimistic) - np.mean(1 / ranks.pessimistic)), 6),
    }
    if not detail:
        return found
    found["by_side"] = {"tail": metrics(real[:, 0]), "head": metrics(real[:, 1])}
    names = cardinality(graph.train, graph.n_relations)
    of_triple = np.array(names)[ranks.triples[:, 1]]
    found["by_cardinality"] = {
        kind: {
            "triples": int((of_triple == kind).sum()),
            "tail": metrics(real[of_triple == kind, 0]),
            "head": metrics(real[of_triple == kind, 1]),
        }
        for kind in sorted(set(of_triple.tolist()))
    }
    relations = []
    for r in np.unique(ranks.triples[:, 1]):
        which = ranks.triples[:, 1] == r
        relations.append({"relation": graph.relations[r], "triples": int(which.sum()), "cardinality": names[r], **metrics(real[which])})
    found["by_relation"] = sorted(relations, key=lambda item: -item["triples"])
    seen = np.isin(ranks.triples[:, [0, 2]], np.unique(graph.train[:, [0, 2]])).all(axis=1)
    if not seen.all() and seen.any():
        found["seen_entities_only"] = {"triples": int(seen.sum()), **metrics(real[seen])}
    return found
