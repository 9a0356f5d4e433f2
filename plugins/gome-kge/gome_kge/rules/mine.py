"""Closed-path rules r(X, Y) <- s1(X, A), s2(A, B), s3(B, Y) of length 1 to 3, by sampled paths as in AnyBURL (Meilicke et al., IJCAI 2019).

Bodies are proposed by the paths that join the ends of sampled train triples (never through the triple itself), then weighed on
sampled heads:

    confidence = pairs that body and head hold for / (pairs the body holds for + 5)

with AnyBURL's 5 against bodies seen a few times. Everything comes from train.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import log1p
from typing import Any

import numpy as np

from gome_kge.data.graph import Triples, with_inverses
from gome_kge.data.index import Ints
from gome_kge.evaluation.ranking import Floats
from gome_kge.rules.walk import Walker

PESSIMISM = 5.0
SAMPLED_TRIPLES = 150
"""Triples of each relation whose ends are joined."""
SAMPLED_EDGES = 25
"""Edges looked at around an end; hubs have thousands."""
PROPOSED = 60
"""Bodies of each relation that are weighed."""
SAMPLED_HEADS = 400
"""Entities on which a body is weighed."""
KEPT = 40
"""Rules of each relation that are kept."""
LEAST_CONFIDENCE, LEAST_SUPPORT = 0.02, 2
CAP = 0.999
"""Of a confidence: nothing is certain."""
BIGGEST = 300_000_000
"""Entities times relations up to which the matrices fit into memory."""


@dataclass(frozen=True)
class Rule:
    """``head <- body``; relations from n_relations on are inverse ones."""

    head: int
    body: tuple[int, ...]
    confidence: float
    support: int


class Rules:
    """Rules by their head, and what they say about entities."""

    def __init__(self, walker: Walker, rules: list[Rule]) -> None:
        self.walker, self.rules = walker, rules
        self.by_head: dict[int, list[Rule]] = {}
        for rule in rules:
            self.by_head.setdefault(rule.head, []).append(rule)

    def evidence(self, heads: Ints, relations: Ints) -> Floats:
        """(B, E) in [0, 1): noisy-or, 1 - prod (1 - confidence) over the rules that lead from the head to the entity."""
        total = np.zeros((len(heads), self.walker.n_entities), dtype=np.float32)
        for relation in np.unique(relations):
            at = np.flatnonzero(relations == relation)
            asked, back = np.unique(heads[at], return_inverse=True)
            sums: Any = None
            for rule in self.by_head.get(int(relation), []):
                found = self.walker.reach(asked, rule.body)
                if found is None or not found.nnz:
                    continue
                found = found * np.float32(-log1p(-min(rule.confidence, CAP)))
                sums = found if sums is None else sums + found
            if sums is not None:
                sums.data = -np.expm1(-sums.data)
                total[at] = sums[back].toarray()
        return total

    def dump(self) -> list[list[Any]]:
        """As JSON."""
        return [[rule.head, list(rule.body), rule.confidence, rule.support] for rule in self.rules]

    @classmethod
    def load(cls, walker: Walker, value: list[list[Any]]) -> "Rules":
        """What `dump` gave."""
        return cls(walker, [Rule(int(h), tuple(map(int, body)), float(c), int(s)) for h, body, c, s in value])


class _Edges:
    """Edges by their start, and which relations join two entities."""

    def __init__(self, triples: Triples, n_entities: int) -> None:
        order = np.lexsort((triples[:, 2], triples[:, 0]))
        self.relation, self.end = triples[order, 1], triples[order, 2]
        self.begin = np.searchsorted(triples[order, 0], np.arange(n_entities + 1))
        self.key = triples[order, 0] * n_entities + self.end
        self.n = n_entities

    def around(self, entity: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """(relations, ends) of at most `SAMPLED_EDGES` edges."""
        at = np.arange(self.begin[entity], self.begin[entity + 1])
        if len(at) > SAMPLED_EDGES:
            at = rng.choice(at, SAMPLED_EDGES, replace=False)
        return self.relation[at], self.end[at]

    def between(self, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """(position, relation) for every edge from starts[i] to ends[i]."""
        key = starts * self.n + ends
        first, last = np.searchsorted(self.key, key), np.searchsorted(self.key, key, side="right")
        count = last - first
        at = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(np.arange(len(key)), count), self.relation[at]


def mine(
    train: Triples, n_entities: int, n_relations: int, seed: int = 0, told: Callable[[str], None] | None = None,
    stop: Callable[[], bool] | None = None, only: Iterable[int] | None = None,
) -> Rules | None:  # fmt: skip
    """Rules for every relation and its inverse, or `only` for some; None where the graph is too large, fewer where `stop` says so."""
    if n_entities * n_relations * 2 > BIGGEST:
        return None
    walker = Walker(train, n_entities, n_relations)
    triples = with_inverses(train, n_relations)
    edges = _Edges(triples, n_entities)
    rules: list[Rule] = []
    for relation in range(2 * n_relations) if only is None else only:
        if stop is not None and stop():
            break
        rng = np.random.default_rng([seed, relation])
        own = triples[triples[:, 1] == relation]
        if not len(own):
            continue
        bodies = _propose(own, relation, edges, walker, rng)
        found = [rule for body in bodies if (rule := _weigh(relation, body, walker, rng)) is not None]
        found.sort(key=lambda rule: (-rule.confidence, -rule.support, rule.body))
        rules.extend(found[:KEPT])
        if told is not None:
            told(f"rules for {relation + 1} of {2 * n_relations} relations, {len(rules)} kept")
    return Rules(walker, rules)


def _propose(own: Triples, relation: int, edges: _Edges, walker: Walker, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """The bodies that most often join the ends of the relation's triples."""
    count: Counter[tuple[int, ...]] = Counter()
    inverse = np.array([walker.inverse(r) for r in range(2 * walker.n_relations)])
    if len(own) > SAMPLED_TRIPLES:
        own = own[rng.choice(len(own), SAMPLED_TRIPLES, replace=False)]
    for h, _, t in own.tolist():
        seen: set[tuple[int, ...]] = {(int(r),) for r in edges.between(np.array([h]), np.array([t]))[1]}
        first, middle = edges.around(h, rng)
        last, second = edges.around(t, rng)
        last = inverse[last]
        keep = ~((first == relation) & (middle == t))
        first, middle = first[keep], middle[keep]
        keep = ~((last == relation) & (second == h))
        last, second = last[keep], second[keep]
        i, r = edges.between(middle, np.full(len(middle), t))
        seen.update(zip(first[i].tolist(), r.tolist(), strict=True))
        if len(middle) and len(second):
            i, r = edges.between(np.repeat(middle, len(second)), np.tile(second, len(middle)))
            seen.update(zip(first[i // len(second)].tolist(), r.tolist(), last[i % len(second)].tolist(), strict=True))
        count.update(seen)
    fits = [(body, n) for body, n in count.items() if n >= LEAST_SUPPORT and not _circular(relation, body, inverse)]
    fits.sort(key=lambda item: (-item[1], item[0]))
    return [body for body, _ in fits[:PROPOSED]]


def _circular(relation: int, body: tuple[int, ...], inverse: Ints) -> bool:
    """Does the body contain the head atom itself: r, or r beside a step there and back?"""
    if body == (relation,):
        return True
    if len(body) < 3:
        return False
    return bool((body[0] == relation and body[2] == inverse[body[1]]) or (body[2] == relation and body[1] == inverse[body[0]]))


def _weigh(relation: int, body: tuple[int, ...], walker: Walker, rng: np.random.Generator) -> Rule | None:
    """The rule with its confidence on a sample of heads, or None if it is not worth keeping."""
    domain = np.flatnonzero(np.diff(walker.steps[body[0]].indptr))
    heads = domain if len(domain) <= SAMPLED_HEADS else np.sort(rng.choice(domain, SAMPLED_HEADS, replace=False))
    reached = walker.reach(heads, body)
    if reached is None or not reached.nnz:
        return None
    support = int(reached.multiply(walker.steps[relation][heads]).nnz)
    confidence = support / (reached.nnz + PESSIMISM * len(heads) / len(domain))
    if support < LEAST_SUPPORT or confidence < LEAST_CONFIDENCE:
        return None
    return Rule(relation, body, round(confidence, 5), support)
