"""What is evaluated and asked: one embedding or a weighted few, optionally with rules, as a single scorer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gome_graph.support.files import read_json, write_json
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.data.index import Ints
from gome_kge.evaluation.ranking import Floats, Scorer
from gome_kge.rules import Rules, Walker
from gome_kge.scoring import scorer_of
from gome_kge.store import Embedding, read_graph, read_predictor, save_graph, write_predictor

RULES = "rules.json"


def log_softmax(scores: Floats) -> Floats:
    """Rows to log-probabilities, in place."""
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores


@dataclass
class Predictor:
    """Members with weights that were chosen on validation."""

    graph: KnowledgeGraph
    members: list[Embedding]
    weights: list[float]
    rules: Rules | None = None
    rule_weight: float = 0.0

    @property
    def scorer(self) -> Scorer:
        """Scores of one member as they are; of several, the weighted sum of their log-probabilities; plus weighted evidence of rules."""
        scorers = [scorer_of(member.model, member.tables) for member in self.members]
        rules = self.rules if self.rule_weight else None
        if len(scorers) == 1 and rules is None:
            return scorers[0]

        def score(heads: Ints, relations: Ints) -> Floats:
            total: Floats | None = None
            for weight, scorer in zip(self.weights, scorers, strict=True):
                part = log_softmax(scorer(heads, relations)) * np.float32(weight)
                total = part if total is None else total + part
            if total is None:
                raise ValueError("a predictor has at least one member")
            if rules is not None:
                total += np.float32(self.rule_weight) * rules.evidence(heads, relations)
            return total

        return score

    def save(self, folder: Path) -> None:
        """Write members, graph and, last, the list that makes the folder complete."""
        save_graph(folder / "graph.npz", self.graph)
        names = []
        for i, member in enumerate(self.members):
            names.append(f"model-{i}.safetensors")
            member.save(folder / names[-1])
        if self.rules is not None:
            write_json(folder / RULES, self.rules.dump())
        members = [{"file": n, "weight": w} for n, w in zip(names, self.weights, strict=True)]
        write_predictor(folder, {"members": members, "rules": self.rules is not None, "rule_weight": self.rule_weight})

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Read what `save` wrote."""
        value = read_predictor(folder)
        graph = read_graph(folder)
        rules = None
        if value["rules"]:
            rules = Rules.load(Walker(graph.train, graph.n_entities, graph.n_relations), read_json(folder / RULES))
        members = [Embedding.load(folder / item["file"]) for item in value["members"]]
        return cls(graph, members, [float(item["weight"]) for item in value["members"]], rules, float(value["rule_weight"]))
