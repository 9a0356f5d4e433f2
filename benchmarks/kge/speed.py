"""CPU seconds an epoch and for the test evaluation, one thread: gome_kge beside PyKEEN on the same graph, model, rank, batch and loss.

    python benchmarks/kge/speed.py --data ../shared/data/kg/WN18RR --model rescal --rank 256 [--negatives 4096] [--peer PYTHON]

Both are timed in processes of their own, one after the other in one run, by steps: `--steps` of them, times the steps of an epoch.
The loss is 1-N softmax cross-entropy without penalty; gome_kge runs it in bf16, in fp32, and with shared negatives.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gome_kge.data import KnowledgeGraph, load_graph

OURS = """
import json, resource, sys, time
import numpy as np
import torch
torch.set_num_threads(1)
from gome_kge.evaluation import rank
from gome_kge.evaluation.ranking import known_index
from gome_kge.scoring import scorer_of
from gome_kge.settings import Settings
from gome_kge.training.trainer import Trainer
data = np.load(sys.argv[1])
settings, steps = Settings(**json.loads(sys.argv[2])), int(sys.argv[3])
entities, relations = (int(x) for x in data["n"])
trainer = Trainer(data["train"], entities, relations, settings)
times = []
for number, (batch, rng) in enumerate(trainer.batches.epoch(0)):
    began = time.process_time()
    trainer.step(batch, rng)
    times.append(time.process_time() - began)
    if number == steps + 1:
        break
whole = time.process_time()
list(zip(range(steps), trainer.batches.epoch(1)))
batching = (time.process_time() - whole) / steps
began = time.process_time()
known = known_index(np.concatenate([data["train"], data["valid"], data["test"]]), relations)
rank(scorer_of(trainer.model, trainer.tables), data["test"], known, entities, relations)
step = float(np.mean(times[2:])) + batching
print(json.dumps({"step_seconds": step, "steps": len(trainer.batches), "epoch_seconds": step * len(trainer.batches),
                  "evaluation_seconds": time.process_time() - began, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def run(command: list[str]) -> dict[str, Any]:
    """The JSON object a process prints last."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def pack(graph: KnowledgeGraph, path: Path) -> None:
    """The graph as integers, for both."""
    np.savez(path, train=graph.train, valid=graph.valid, test=graph.test, n=np.array([graph.n_entities, graph.n_relations]))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="rescal", choices=["rescal", "complex"])
    parser.add_argument("--rank", type=int, default=256)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--negatives", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--evaluated", type=int, default=256, help="test triples PyKEEN ranks; its time is scaled to all")
    parser.add_argument("--peer", type=Path, help="PyKEEN's interpreter, see environment.py")
    arguments = parser.parse_args()
    graph = load_graph(arguments.data)
    base = {"model": arguments.model, "rank": arguments.rank, "batch": arguments.batch, "regularizer": "none"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.npz"
        pack(graph, path)
        rows = {}
        if arguments.peer is not None:
            size = [str(x) for x in (arguments.rank, arguments.batch, arguments.steps, arguments.evaluated)]
            rows["PyKEEN, LCWA, fp32"] = run(
                [str(arguments.peer), str(Path(__file__).with_name("peer.py")), str(path), arguments.model, *size]
            )
        for name, change in (
            ("gome_kge, full softmax, bf16", {"negatives": 0}),
            ("gome_kge, full softmax, fp32", {"negatives": 0, "precision": "fp32"}),
            (f"gome_kge, {arguments.negatives} shared negatives", {"negatives": arguments.negatives}),
        ):
            rows[name] = run([sys.executable, "-c", OURS, str(path), json.dumps({**base, **change}), str(arguments.steps)])
    print(f"{graph.name}, {arguments.model} {arguments.rank}, batch {arguments.batch}, one thread, CPU seconds")
    first = next(iter(rows.values()))
    for name, row in rows.items():
        print(
            f"{name:36s} epoch {row['epoch_seconds']:8.1f} (x {first['epoch_seconds'] / row['epoch_seconds']:5.1f})   "
            f"evaluation {row['evaluation_seconds']:7.1f} (x {first['evaluation_seconds'] / row['evaluation_seconds']:4.1f})   "
            f"peak {row['peak_mb']:6.0f} MB"
        )


if __name__ == "__main__":
    main()
