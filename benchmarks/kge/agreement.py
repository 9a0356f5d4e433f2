"""Filtered ranks of gome_kge beside PyKEEN's evaluator on the same scores: MRR and hits by rank type and side, to 1e-6.

    python benchmarks/kge/agreement.py --data ../shared/data/kg/UMLS --peer ~/.cache/gome-bench/pykeen/bin/python

No model is trained: a triple scores the sum of h_i r_i t_i over vectors of small whole numbers, with other relation vectors for heads than
for tails. Such sums are exact in fp32 in any order, so both sides see the same scores to the last bit; small numbers make many ties, large
ones few.
Each side takes its scores, filters and ranks by its own code; PyKEEN is run by its own interpreter (see environment.py).
Ends with exit code 1 if any number differs by more than 1e-6.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from gome_kge.data import KnowledgeGraph, load_graph
from gome_kge.evaluation.ranking import Floats, Ranks, known_index, rank

WIDTH = 8
LEVELS = (1, 3, 60)
"""Largest entry of the vectors; 8 * 60^3 is far below 2^24, up to where fp32 holds whole numbers exactly."""
KINDS = ("optimistic", "realistic", "pessimistic")
HITS = (1, 3, 10)
TOLERANCE = 1e-6


def vectors(graph: KnowledgeGraph, level: int) -> tuple[Floats, Floats]:
    """Whole numbers from -level to level: (E, WIDTH), and (2 R, WIDTH) with the relations of head questions last."""
    rng = np.random.default_rng(level)
    shapes = ((graph.n_entities, WIDTH), (2 * graph.n_relations, WIDTH))
    entity, relation = (rng.integers(-level, level + 1, size=shape).astype(np.float32) for shape in shapes)
    return entity, relation


def measured(ranks: Ranks) -> dict[str, float]:
    """Unrounded metrics, under PyKEEN's words for the sides."""
    found = {}
    for kind in KINDS:
        values = ranks.of(kind)
        for side, part in (("tail", values[:, 0]), ("head", values[:, 1]), ("both", values.ravel())):
            found[f"{side} {kind} mrr"] = float(np.mean(1 / part))
            found.update({f"{side} {kind} hits@{k}": float(np.mean(part <= k)) for k in HITS})
    return found


def main() -> int:
    """A line for each size of vectors; exit code 1 where a number differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peer", type=Path, required=True, help="PyKEEN's interpreter, see environment.py")
    arguments = parser.parse_args()
    graph = load_graph(arguments.data)
    arrays = {"train": graph.train, "valid": graph.valid, "test": graph.test, "n": np.array([graph.n_entities, graph.n_relations])}
    tables = {level: vectors(graph, level) for level in LEVELS}
    for level, (entity, relation) in tables.items():
        arrays.update({f"entity {level}": entity, f"relation {level}": relation})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.npz"
        np.savez(path, **arrays)
        script = Path(__file__).with_name("agreement_peer.py")
        done = subprocess.run([str(arguments.peer), str(script), str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    theirs = json.loads(done.stdout.splitlines()[-1])
    known = known_index(graph.known, graph.n_relations)
    worst = 0.0
    for level, (entity, relation) in tables.items():

        def scorer(heads: np.ndarray, kinds: np.ndarray, entity: Floats = entity, relation: Floats = relation) -> Floats:
            scores: Floats = (entity[heads] * relation[kinds]) @ entity.T
            return scores

        ranks = rank(scorer, graph.test, known, graph.n_entities, graph.n_relations)
        ours = measured(ranks)
        if set(ours) != set(theirs[str(level)]):
            raise SystemExit("the two sides report different metrics")
        apart = {name: abs(value - theirs[str(level)][name]) for name, value in ours.items()}
        name = max(apart, key=lambda key: apart[key])
        worst = max(worst, apart[name])
        print(
            f"{graph.name}, entries up to {level}: {(ranks.pessimistic > ranks.optimistic).mean():.1%} of ranks tied, realistic MRR "
            f"{ours['both realistic mrr']:.6f}, {len(apart)} numbers, largest difference {apart[name]:.1e} ({name})",
            flush=True,
        )
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
