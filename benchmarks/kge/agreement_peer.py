"""PyKEEN's evaluator on given scores: run by agreement.py with PyKEEN's own interpreter; prints one JSON object."""

import json
import sys

import numpy as np
import torch
from pykeen.evaluation import RankBasedEvaluator
from pykeen.models.baseline import EvaluationOnlyModel
from pykeen.triples import CoreTriplesFactory

HITS = (1, 3, 10)


class Given(EvaluationOnlyModel):
    """Scores from fixed vectors; the second half of the relation vectors is for heads."""

    def __init__(self, factory: CoreTriplesFactory, entity: torch.Tensor, relation: torch.Tensor) -> None:
        super().__init__(triples_factory=factory)
        self.register_buffer("entity", entity)
        self.register_buffer("relation", relation)

    def score_t(self, hr_batch: torch.Tensor, **_: object) -> torch.Tensor:
        """(B, E) scores of tails."""
        return (self.entity[hr_batch[:, 0]] * self.relation[hr_batch[:, 1]]) @ self.entity.T

    def score_h(self, rt_batch: torch.Tensor, **_: object) -> torch.Tensor:
        """(B, E) scores of heads."""
        return (self.entity[rt_batch[:, 1]] * self.relation[rt_batch[:, 0] + self.num_relations]) @ self.entity.T


def main() -> None:
    """agreement_peer.py SCORES.npz"""
    torch.set_num_threads(1)
    data = np.load(sys.argv[1])
    train, valid, test = (torch.from_numpy(data[split]) for split in ("train", "valid", "test"))
    factory = CoreTriplesFactory(train, num_entities=int(data["n"][0]), num_relations=int(data["n"][1]))
    found = {}
    for name in data.files:
        word, _, level = name.partition(" ")
        if word != "entity":
            continue
        model = Given(factory, torch.from_numpy(data[name]), torch.from_numpy(data[f"relation {level}"]))
        result = RankBasedEvaluator(filtered=True).evaluate(
            model, test, additional_filter_triples=[train, valid], batch_size=256, use_tqdm=False
        )
        found[level] = {}
        for side in ("tail", "head", "both"):
            for kind in ("optimistic", "realistic", "pessimistic"):
                start = f"{side}.{kind}"
                found[level][f"{side} {kind} mrr"] = float(result.get_metric(f"{start}.inverse_harmonic_mean_rank"))
                found[level].update({f"{side} {kind} hits@{k}": float(result.get_metric(f"{start}.hits_at_{k}")) for k in HITS})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
