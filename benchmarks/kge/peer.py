"""Times PyKEEN on a graph (npz of integer triples): run by speed.py with PyKEEN's own interpreter; prints one JSON object.

One training step is what PyKEEN's LCWA loop does for a batch of distinct (head, relation) pairs with 1-N cross-entropy; the first
steps warm up.
"""

import json
import resource
import sys
import time

import numpy as np
import torch
from pykeen.evaluation import RankBasedEvaluator
from pykeen.models import RESCAL, ComplEx
from pykeen.training import LCWATrainingLoop
from pykeen.triples import CoreTriplesFactory

WARM = 2


def main() -> None:
    """peer.py DATA.npz MODEL RANK BATCH STEPS EVALUATED"""
    path, name, rank, batch, steps, evaluated = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])
    torch.set_num_threads(1)
    data = np.load(path)
    entities, relations = int(data["n"][0]), int(data["n"][1])
    factory = CoreTriplesFactory(
        torch.from_numpy(data["train"]), num_entities=entities, num_relations=relations, create_inverse_triples=True
    )
    model = {"complex": ComplEx, "rescal": RESCAL}[name](
        triples_factory=factory, embedding_dim=rank, loss="crossentropy", regularizer=None, random_seed=0
    )
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    loop = LCWATrainingLoop(model=model, triples_factory=factory, optimizer=optimizer)
    batches = iter(loop._create_training_data_loader(factory, batch_size=batch, drop_last=False, sampler=None))
    total = -(
        -len(np.unique(np.concatenate([data["train"][:, :2], np.stack([data["train"][:, 2], data["train"][:, 1] + relations], 1)]), axis=0))
        // batch
    )
    times = []
    model.train()
    for _ in range(WARM + steps):
        example = next(batches)
        began = time.process_time()
        optimizer.zero_grad()
        size = loop._get_batch_size(example)
        loss = loop._process_batch(example, start=0, stop=size, label_smoothing=0.0, slice_size=None)
        loss.backward()
        optimizer.step()
        model.post_parameter_update()
        times.append(time.process_time() - began)
    model.eval()
    known = [torch.from_numpy(data[split]) for split in ("train", "valid")]
    part = torch.from_numpy(data["test"][:evaluated])
    began = time.process_time()
    result = RankBasedEvaluator(filtered=True).evaluate(
        model, part, additional_filter_triples=[*known, torch.from_numpy(data["test"])], batch_size=32, use_tqdm=False
    )
    spent = time.process_time() - began
    print(
        json.dumps(
            {
                "step_seconds": float(np.mean(times[WARM:])),
                "steps": total,
                "epoch_seconds": float(np.mean(times[WARM:])) * total,
                "evaluation_seconds": spent * len(data["test"]) / len(part),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "mrr": float(result.get_metric("both.realistic.inverse_harmonic_mean_rank")),
            }
        )
    )


if __name__ == "__main__":
    main()
