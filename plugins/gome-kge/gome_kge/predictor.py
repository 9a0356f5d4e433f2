"""What is evaluated and asked: one embedding or a weighted few, optionally with rules, as a single scorer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gome_kge.data.graph import KnowledgeGraph
from gome_kge.data.index import Ints
from gome_kge.evaluation.ranking import Floats, Scorer
from gome_kge.scoring import scorer_of
from gome_kge.store import Embedding, read_graph, read_predictor, save_graph, write_predictor


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

    @property
    def scorer(self) -> Scorer:
        """Scores of one member as they are; of several, the weighted sum of their log-probabilities."""
        scorers = [scorer_of(member.model, member.tables) for member in self.members]
        if len(scorers) == 1:
            return scorers[0]

        def score(heads: Ints, relations: Ints) -> Floats:
            total: Floats | None = None
            for weight, scorer in zip(self.weights, scorers, strict=True):
                part = log_softmax(scorer(heads, relations)) * np.float32(weight)
                total = part if total is None else total + part
            if total is None:
                raise ValueError("a predictor has at least one member")
            return total

        return score

    def save(self, folder: Path) -> None:
        """Write members, graph and, last, the list that makes the folder complete."""
        save_graph(folder / "graph.npz", self.graph)
        names = []
        for i, member in enumerate(self.members):
            names.append(f"model-{i}.safetensors")
            member.save(folder / names[-1])
        write_predictor(folder, {"members": [{"file": n, "weight": w} for n, w in zip(names, self.weights, strict=True)]})

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Read what `save` wrote."""
        listed = read_predictor(folder)["members"]
        graph = read_graph(folder)
        return cls(graph, [Embedding.load(folder / item["file"]) for item in listed], [float(item["weight"]) for item in listed])
