"""Questions to a trained predictor: what is missing, who is alike, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gome_graph.errors import TaskError
from gome_kge.data.graph import KnowledgeGraph, with_inverses
from gome_kge.data.index import PairIndex
from gome_kge.predictor import Predictor, log_softmax

CLOSEST = 3
"""Names suggested for one that is not known."""


@dataclass(frozen=True)
class Answer:
    """One predicted entity."""

    entity: str
    score: float
    probability: float
    """Softmax over all entities; see `gome_kge.calibration` for one that is a frequency."""
    known: bool


def number(names: Sequence[str], name: str, what: str, labels: dict[str, str] | None = None) -> int:
    """The id of a name or of a label.

    Raises
    ------
    TaskError
        With the closest names.
    """
    try:
        return list(names).index(name)
    except ValueError:
        pass
    if labels:
        same = [key for key, label in labels.items() if label == name]
        if len(same) == 1 and same[0] in names:
            return list(names).index(same[0])
    from rapidfuzz import process

    close = ", ".join(repr(match[0]) for match in process.extract(name, names, limit=CLOSEST))
    raise TaskError(f"There is no {what} {name!r} in the graph; the closest are {close}.")


class Asker:
    """Prediction with a filter for known triples, neighbours, and explanations."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.graph: KnowledgeGraph = predictor.graph
        self.known = PairIndex.tails(with_inverses(self.graph.known, self.graph.n_relations), 2 * self.graph.n_relations)

    def relation(self, name: str) -> int:
        """Id of a relation."""
        return number(self.graph.relations, name, "relation", self.graph.labels)

    def entity(self, name: str) -> int:
        """Id of an entity."""
        return number(self.graph.entities, name, "entity", self.graph.labels)

    def predict(self, *, relation: str, head: str | None = None, tail: str | None = None, k: int = 10, known: bool = False) -> list[Answer]:
        """The `k` best answers to (head, relation, ?) or (?, relation, tail); triples of the graph only with `known`.

        Raises
        ------
        TaskError
            If both or neither end is given, or a name is not in the graph.
        """
        if (head is None) == (tail is None):
            raise TaskError("Give either a head, to predict tails, or a tail, to predict heads.")
        kind = self.relation(relation) + (0 if tail is None else self.graph.n_relations)
        asked = self.entity(str(head if tail is None else tail))
        scores = self.predictor.scorer(np.array([asked]), np.array([kind]))
        chance = np.exp(log_softmax(scores.copy()))[0]
        facts = self.known.gather(self.known.rows(np.array([asked]), np.array([kind])))[1]
        is_known = np.zeros(self.graph.n_entities, dtype=bool)
        is_known[facts] = True
        order = np.argsort(-scores[0], kind="stable")
        if not known:
            order = order[~is_known[order]]
        return [Answer(self.graph.entities[e], float(scores[0, e]), float(chance[e]), bool(is_known[e])) for e in order[:k].tolist()]

    def neighbours(self, name: str, k: int = 10) -> list[tuple[str, float]]:
        """The `k` entities whose vectors of the first member have the largest cosine with that of `name`."""
        table = self.predictor.members[0].tables["entity"].numpy()
        unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
        entity = self.entity(name)
        cosine = unit @ unit[entity]
        order = [e for e in np.argsort(-cosine, kind="stable").tolist() if e != entity][:k]
        return [(self.graph.entities[e], float(cosine[e])) for e in order]

    def explain(self, head: str, relation: str, tail: str, k: int = 5) -> dict[str, Any]:
        """Score, rank and the rules with their paths that speak for a triple."""
        from gome_kge.rules import Walker, mine

        h, r, t = self.entity(head), self.relation(relation), self.entity(tail)
        scores = self.predictor.scorer(np.array([h]), np.array([r]))[0]
        others = self.known.gather(self.known.rows(np.array([h]), np.array([r])))[1]
        rivals = np.delete(scores, others[others != t])
        rules = self.predictor.rules
        if rules is None:
            rules = mine(self.graph.train, self.graph.n_entities, self.graph.n_relations, only=[r])
        found = []
        walker = rules.walker if rules is not None else Walker(self.graph.train, self.graph.n_entities, self.graph.n_relations)
        for rule in [] if rules is None else rules.by_head.get(r, []):
            paths = walker.paths(h, t, rule.body)
            if paths:
                found.append(
                    {
                        "rule": self.text(rule.head, rule.body), "confidence": rule.confidence, "support": rule.support,
                        "paths": [[self.graph.entities[e] for e in path] for path in paths],
                    }
                )  # fmt: skip
        return {
            "head": head, "relation": relation, "tail": tail, "score": float(scores[t]), "rank": int((rivals > scores[t]).sum()) + 1,
            "known": bool(t in others), "evidence": found[:k],
            "paths": [] if found else self._connections(walker, h, t),
        }  # fmt: skip

    def name_of(self, relation: int) -> str:
        """A relation's name; of an inverse one with ``^-1``."""
        n = self.graph.n_relations
        return self.graph.relations[relation] if relation < n else f"{self.graph.relations[relation - n]}^-1"

    def text(self, head: int, body: tuple[int, ...]) -> str:
        """A rule as people write it."""
        names = ("X", *("A", "B")[: len(body) - 1], "Y")
        atoms = [f"{self.name_of(r)}({names[i]}, {names[i + 1]})" for i, r in enumerate(body)]
        return f"{self.name_of(head)}(X, Y) <- {', '.join(atoms)}"

    def _connections(self, walker: Any, head: int, tail: int) -> list[str]:
        """Short connections without a rule: what links the two at all."""
        found = []
        for first, step in enumerate(walker.steps):
            after = step.indices[step.indptr[head] : step.indptr[head + 1]]
            for second in range(len(walker.steps)):
                back = walker.steps[walker.inverse(second)]
                ends = back.indices[back.indptr[tail] : back.indptr[tail + 1]]
                for middle in np.intersect1d(after, ends)[:1].tolist():
                    parts = (head, middle, tail)
                    a, b, c = (self.graph.entities[e] for e in parts)
                    found.append(f"{a} -{self.name_of(first)}-> {b} -{self.name_of(second)}-> {c}")
                if len(found) >= CLOSEST:
                    return found
        return found
