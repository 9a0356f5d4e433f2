"""Weights of several members and of the rules, chosen on validation."""

from collections.abc import Callable

import numpy as np

from gome_kge.data.graph import KnowledgeGraph
from gome_kge.data.index import Ints
from gome_kge.evaluation.ranking import Floats, Scorer, known_index, rank
from gome_kge.evaluation.report import metrics
from gome_kge.predictor import log_softmax
from gome_kge.rules import Rules
from gome_kge.scoring import scorer_of
from gome_kge.store import Embedding
from gome_kge.validation import sample

RULE_WEIGHTS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 18.0)
MEMBER_STEPS = (0.25, 0.5, 1.0)
LEAST_GAIN = 5e-4
"""Of the validation MRR, for one more part to be worth carrying."""
KEPT_BYTES = 600 << 20
"""Memory for the validation scores that are kept while weights are tried."""


class _Kept:
    """Validation scores of one part, computed once for each question and looked up after."""

    def __init__(self, scorer: Scorer, heads: Ints, relations: Ints, width: int) -> None:
        key = np.unique(heads * width + relations)
        self.key, self.width = key, width
        self.scores = np.concatenate([scorer(part // width, part % width) for part in np.array_split(key, max(1, len(key) // 256))])

    def __call__(self, heads: Ints, relations: Ints) -> Floats:
        found: Floats = self.scores[np.searchsorted(self.key, heads * self.width + relations)]
        return found


def choose_weights(
    graph: KnowledgeGraph,
    members: list[Embedding],
    rules: Rules | None,
    *,
    size: int,
    seed: int = 0,
    told: Callable[[str], None] | None = None,
) -> tuple[list[float], float, float]:
    """(weights of the members, weight of the rules, validation MRR of the whole).

    Members are given best first; each further part is added with the weight that helps most, or left out. The sample is `size` triples at
    most, fewer where their scores would not fit into memory.
    """
    parts = len(members) + (rules is not None)
    fits = max(100, KEPT_BYTES // (8 * graph.n_entities * parts))
    triples = sample(graph.valid, min(size, fits), seed)
    known = known_index(graph.known, graph.n_relations)
    width = 2 * graph.n_relations
    heads = np.concatenate([triples[:, 0], triples[:, 2]])
    relations = np.concatenate([triples[:, 1], triples[:, 1] + graph.n_relations])

    def value(scorer: Scorer) -> float:
        return metrics(rank(scorer, triples, known, graph.n_entities, graph.n_relations).realistic)["mrr"]

    scorers = [scorer_of(member.model, member.tables) for member in members]
    kept = [_Kept(lambda h, r, s=s: log_softmax(s(h, r)), heads, relations, width) for s in scorers]  # type: ignore[misc]
    weights = [1.0] + [0.0] * (len(members) - 1)
    total = kept[0].scores
    whole = _Kept.__new__(_Kept)
    whole.key, whole.width = kept[0].key, width

    def try_(scores: Floats) -> float:
        whole.scores = scores
        return value(whole)

    best = try_(total)
    for i, part in enumerate(kept[1:], 1):
        found = max((try_(total + np.float32(step) * part.scores), step) for step in MEMBER_STEPS)
        if found[0] > best + LEAST_GAIN:
            best, weights[i] = found
            total = total + np.float32(found[1]) * part.scores
        if told is not None:
            told(f"combining: validation MRR {best:.4f} with {sum(w > 0 for w in weights)} models")
    rule_weight = 0.0
    if rules is not None and rules.rules:
        evidence = _Kept(rules.evidence, heads, relations, width)
        found = max((try_(total + np.float32(w) * evidence.scores), -w) for w in RULE_WEIGHTS)
        if found[0] > best + LEAST_GAIN:
            best, rule_weight = found[0], -found[1]
        if told is not None:
            told(f"combining: validation MRR {best:.4f} with rules at weight {rule_weight:g}")
    return weights, rule_weight, best
