"""Does the graph of experience rank momentum better than vectors alone? Leave one task out, over the memories of real runs.

    python benchmarks/kge/momentum.py RUNS_FOLDER [RUNS_FOLDER ...] [--weights 0.5 1] [--steps 30] [--json]

Every ``experiences.sqlite`` below the folders is read. For each task with at least 8 steps, the experiences of all *other* tasks are put
into a memory; each of the task's own steps is then asked about before its outcome is known, together with seven others that the task tried,
as a step asks about all its proposals at once. What the rules reasoner would make of the answer (`momentum_factor`) is set against what
came out. AUC: the share of (accepted, not accepted) pairs of steps of a task that are
ordered rightly; .5 is chance. Differences are paired by task, with intervals from 2,000 bootstrap draws of tasks.
"""

import argparse
import json
import math
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from gome_graph.reasoners.rules.choose import momentum_factor
from gome_graph.records import Component, Experience, Finding, Hypothesis, RecallQuery
from gome_kge.momentum import memory as graph_memory
from gome_memory.memory import MemoryConfig, SuccessMemory
from gome_memory.store import Store

LEAST_STEPS = 8
BESIDE = 7
"""Other hypotheses in a question."""
CONFIG = MemoryConfig(index="exact", embedding="hash")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--weights", type=float, nargs="+", default=[0.5, 2.0])
    parser.add_argument("--steps", type=int, default=30, help="steps asked about in each task, at most")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    everything = gather(options.folders)
    tasks = [task for task, own in everything.items() if len(own) >= LEAST_STEPS and 0 < sum(e.success for e in own) < len(own)]
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for task in tasks:
        own = everything[task]
        if len(own) > options.steps:
            own = [own[i] for i in np.sort(np.random.default_rng(0).choice(len(own), options.steps, replace=False))]
        others = [item for name, items in everything.items() if name != task for item in items]
        asked = [together(number, own) for number in range(len(own))]
        truth = [item.success for item in own]
        if all(truth) or not any(truth):
            continue
        found["expected gain alone"][task] = auc([expected(item) for item in own], truth)
        for name, factors in answers(own, asked, others, options.weights).items():
            found[name][task] = auc([expected(item) + math.log(factor) for item, factor in zip(own, factors, strict=True)], truth)
        print(f"{task}: " + ", ".join(f"{name} {values[task]:.3f}" for name, values in found.items()), file=sys.stderr, flush=True)
    print(json.dumps(found) if options.json else table(found))
    return 0


def gather(folders: list[Path]) -> dict[str, list[Experience]]:
    """Task -> steps with a technique, twin runs of one seed counted once."""
    steps: dict[tuple[object, ...], Experience] = {}
    for folder in folders:
        for file in sorted(folder.rglob("experiences.sqlite")):
            store = Store(file.parent, read_only=True)
            for item in store.select():
                if item.hypothesis.technique is not None and item.verdict not in ("stopped", "vetoed"):
                    steps[item.task, item.hypothesis.title, round(item.gain_in_noise, 3), tuple(item.findings)] = item
            store.close()
    tasks: dict[str, list[Experience]] = defaultdict(list)
    for item in sorted(steps.values(), key=lambda item: item.key):
        tasks[item.task].append(item)
    return tasks


def expected(item: Experience) -> float:
    """Log of what the reasoner expected before."""
    return math.log(max(item.hypothesis.expected_gain, 1e-3))


def together(number: int, own: list[Experience]) -> list[Hypothesis]:
    """The step's hypothesis and up to `BESIDE` others of the task, of different titles."""
    titles = {own[number].hypothesis.title: own[number].hypothesis}
    for at in np.random.default_rng(number).permutation(len(own)):
        if len(titles) <= BESIDE:
            titles.setdefault(own[at].hypothesis.title, own[at].hypothesis)
    return list(titles.values())


def answers(own: list[Experience], asked: list[list[Hypothesis]], others: list[Experience], weights: list[float]) -> dict[str, list[float]]:
    """Name of a ranking -> the factor it gives each of the steps."""
    factors: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        plain, graph = SuccessMemory(Path(folder), CONFIG), graph_memory.GraphMemory(Path(folder), CONFIG)
        plain.remember_all(others)
        arms = [("vectors alone", plain, 0.0)] + [(f"with the graph, weight {weight:g}", graph, weight) for weight in weights]
        for name, memory, weight in arms:
            graph_memory.GRAPH_WEIGHT = weight
            factors[name] = [factor(memory, item, beside) for item, beside in zip(own, asked, strict=True)]
        plain.close()
        graph.close()
    return factors


def factor(memory: SuccessMemory, item: Experience, asked: list[Hypothesis]) -> float:
    """What memory says of the step's hypothesis."""
    query = RecallQuery(
        hypotheses=asked, trace_steps=int(item.step.split("-")[1]), seed=0, task=item.task, run="asked", traits=item.traits,
        findings=item.findings,
    )  # fmt: skip
    signs = [Finding(symptom=name, component=Component.MODEL, severity=0.5, summary="") for name in item.findings]
    return momentum_factor(item.hypothesis, memory.recall(query), signs, item.task)


def auc(scores: list[float], truth: list[bool]) -> float:
    """Share of pairs in the right order, ties half."""
    values, right = np.array(scores), np.array(truth)
    difference = values[right][:, None] - values[~right][None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def table(found: dict[str, dict[str, float]]) -> str:
    """Mean AUC, and the difference from vectors alone."""
    base = found["vectors alone"]
    rng = np.random.default_rng(0)
    lines = [f"| ranking, {len(base)} tasks | AUC | minus vectors alone [95 %] |", "|---|---|---|"]
    for name, values in found.items():
        gaps = np.array([values[task] - base[task] for task in base])
        low, high = np.percentile(rng.choice(gaps, (2000, len(gaps))).mean(1), [2.5, 97.5])
        lines.append(f"| {name} | {np.mean(list(values.values())):.3f} | {gaps.mean():+.3f} [{low:+.3f}, {high:+.3f}] |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
