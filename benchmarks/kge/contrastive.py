"""With and without a contrastive term, paired seeds, at equal epochs and at equal CPU time; beside it the published code's leak.

    python benchmarks/kge/contrastive.py --data ../shared/data/kg/WN18RR --model rescal --rank 96 --epochs 20 --term hr --seeds 0,1,2

The leaky replica weighs the cross-entropy by entity counts of the *test* split, as the published code does. It is here to show the size of
the leak and nowhere else; no command of gome_kge can do it.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from gome_kge.data import KnowledgeGraph, load_graph
from gome_kge.evaluation import metrics, rank
from gome_kge.evaluation.ranking import known_index
from gome_kge.scoring import scorer_of
from gome_kge.settings import Settings
from gome_kge.training.batches import class_weights
from gome_kge.training.trainer import Trainer


def measured(graph: KnowledgeGraph, trainer: Trainer, split: str) -> float:
    """MRR of the present parameters."""
    known = known_index(graph.known, graph.n_relations)
    scorer = scorer_of(trainer.model, trainer.tables)
    return metrics(rank(scorer, graph.split(split), known, graph.n_entities, graph.n_relations).realistic)["mrr"]


def main() -> None:
    """A line a variant and seed, then paired differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="rescal")
    parser.add_argument("--rank", type=int, default=96)
    parser.add_argument("--negatives", type=int, default=1024)
    parser.add_argument("--weight", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--term", default="hr", choices=["hr", "tr", "h", "t"])
    parser.add_argument("--term-weight", type=float, default=0.5)
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--seeds", default="0,1,2")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    graph = load_graph(arguments.data)
    base = Settings(
        model=arguments.model, rank=arguments.rank, negatives=arguments.negatives, weight=arguments.weight, epochs=arguments.epochs
    )
    term = {"term": arguments.term, "term_weight": arguments.term_weight, "temperature": arguments.temperature}
    variants = {
        "none": {}, "published": {**term, "term_variant": "published"}, "corrected": {**term, "term_variant": "corrected"},
        "none, train weights": {"class_weights": True}, "LEAKY REPLICA, test weights": {"class_weights": True},
    }  # fmt: skip
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for seed in map(int, arguments.seeds.split(",")):
        budget = None
        for name, change in variants.items():
            trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, base.model_copy(update={**change, "seed": seed}))
            if name.startswith("LEAKY"):
                trainer.batches.tail_weight = class_weights(graph.test, graph.n_entities)
            equal_time = None
            while trainer.epoch < arguments.epochs:
                trainer.run_epoch()
                if equal_time is None and budget is not None and trainer.cpu_seconds >= budget:
                    equal_time = measured(graph, trainer, "test")
            budget = budget or trainer.cpu_seconds
            valid, test = measured(graph, trainer, "valid"), measured(graph, trainer, "test")
            found[name].append((test, test if equal_time is None else equal_time))
            print(
                f"seed {seed}  {name:28s} validation {valid:.4f}  test {test:.4f}  test at equal time {found[name][-1][1]:.4f}  "
                f"{trainer.cpu_seconds:.0f} CPU-s", flush=True,
            )  # fmt: skip
    plain = np.array(found["none"])
    for name, values in found.items():
        gain = np.array(values) - plain[:, :1]
        spread = gain.std(axis=0, ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else np.full(2, np.nan)
        print(
            f"{name:28s} against none: {gain[:, 0].mean():+.4f} (se {spread[0]:.4f}) at equal epochs, "
            f"{gain[:, 1].mean():+.4f} (se {spread[1]:.4f}) at equal time"
        )


if __name__ == "__main__":
    main()
