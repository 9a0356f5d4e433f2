"""Weights of several members and of the rules, chosen on validation."""

from collections.abc import Callable, Sequence
from copy import copy

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
KEPT_BYTES = 1200 << 20
"""Memory for the validation scores that are kept while weights are tried."""
KEPT_PARTS = 3
"""Sets of scores held at once: what is combined so far, the part in turn, and their sum."""


class _Kept:
    """Validation scores of one part, computed once for each question and looked up after."""

    def __init__(self, scorer: Scorer, heads: Ints, relations: Ints, width: int) -> None:
        key = np.unique(heads * width + relations)
        self.key, self.width = key, width
        self.scores = np.concatenate([scorer(part // width, part % width) for part in np.array_split(key, max(1, len(key) // 256))])

    def __call__(self, heads: Ints, relations: Ints) -> Floats:
        found: Floats = self.scores[np.searchsorted(self.key, heads * self.width + relations)]
        return found

    def plus(self, other: "_Kept", weight: float) -> "_Kept":
        """The sum, `other` times `weight`."""
        both = copy(self)
        both.scores = self.scores + np.float32(weight) * other.scores
        return both


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
    fits = max(100, KEPT_BYTES // (8 * graph.n_entities * KEPT_PARTS))
    triples = sample(graph.valid, min(size, fits), seed)
    known = known_index(graph.known, graph.n_relations)
    width = 2 * graph.n_relations
    heads = np.concatenate([triples[:, 0], triples[:, 2]])
    relations = np.concatenate([triples[:, 1], triples[:, 1] + graph.n_relations])

    def value(scorer: Scorer) -> float:
        return metrics(rank(scorer, triples, known, graph.n_entities, graph.n_relations).realistic)["mrr"]

    def scores(scorer: Scorer) -> _Kept:
        return _Kept(scorer, heads, relations, width)

    def probabilities(member: Embedding) -> _Kept:
        scorer = scorer_of(member.model, member.tables)
        return scores(lambda h, r: log_softmax(scorer(h, r)))

    whole = probabilities(members[0])
    best = value(whole)

    def added(part: _Kept, steps: Sequence[float]) -> tuple[float, float]:
        """(validation MRR, weight) of the best weight for one more part; the smallest of equally good ones."""
        return max((value(whole.plus(part, step)), -step) for step in steps)

    weights = [1.0] + [0.0] * (len(members) - 1)
    for i, member in enumerate(members[1:], 1):
        part = probabilities(member)  # one at a time: their scores need not fit into memory together
        found, step = added(part, MEMBER_STEPS)
        if found > best + LEAST_GAIN:
            best, weights[i] = found, -step
            whole = whole.plus(part, -step)
        if told is not None:
            told(f"combining: validation MRR {best:.4f} with {sum(w > 0 for w in weights)} models")
    rule_weight = 0.0
    if rules is not None and rules.rules:
        found, step = added(scores(rules.evidence), RULE_WEIGHTS)
        if found > best + LEAST_GAIN:
            best, rule_weight = found, -step
        if told is not None:
            told(f"combining: validation MRR {best:.4f} with rules at weight {rule_weight:g}")
    return weights, rule_weight, best
