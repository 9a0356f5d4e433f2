"""What a memory of steps knows, as triples: tasks with their traits and findings, techniques with what they change, and what came of them.

| triple | from |
|---|---|
| (task, has, trait) | target kind, metric, magnitude of rows and columns, text or none |
| (task, shows, finding) | the symptoms before its steps |
| (task, gains_from / loses_from, technique) | the sign of the mean of tanh z over the task's steps with it, z in noise units |
| (technique, changes, component), (technique, makes, family), (technique, answers, finding) | the hypotheses |

Runs of one task are one node: what helped there once is known there. Raw gains never enter, so neither the unit nor the direction of a
metric can matter.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gome_graph.records import Experience
from gome_kge.data.graph import KnowledgeGraph

HAS, SHOWS, GAINS, LOSES, CHANGES, MAKES, ANSWERS = RELATIONS = (
    "has", "shows", "gains_from", "loses_from", "changes", "makes", "answers",
)  # fmt: skip


@dataclass(frozen=True)
class Situation:
    """Where a step is about to be taken."""

    task: str
    traits: Mapping[str, Any]
    findings: tuple[str, ...]


def task_node(name: str) -> str:
    """Name of a task's entity."""
    return f"task {name}"


def technique_node(name: str) -> str:
    """Name of a technique's entity."""
    return f"technique {name}"


def experience_graph(experiences: Iterable[Experience], here: Situation) -> KnowledgeGraph:
    """All of it as train triples; names are sorted, so the order of the experiences does not matter."""
    facts = set(_traits(here.task, here.traits)) | {_shown(here.task, finding) for finding in here.findings}
    outcomes: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for item in experiences:
        facts.update(_traits(item.task, item.traits))
        facts.update(_shown(item.task, finding) for finding in item.findings)
        technique = item.hypothesis.technique
        if technique is None:
            continue
        node = technique_node(technique)
        facts.add((node, CHANGES, f"component {item.hypothesis.component.value}"))
        if item.hypothesis.family:
            facts.add((node, MAKES, f"family {item.hypothesis.family}"))
        facts.update((node, ANSWERS, f"finding {symptom}") for symptom in item.hypothesis.symptoms)
        if math.isfinite(item.gain_in_noise):
            outcomes[task_node(item.task), node].append(math.tanh(item.gain_in_noise))
    for (task, technique), gains in outcomes.items():
        facts.add((task, GAINS if sum(gains) > 0 else LOSES, technique))
    entities = sorted({name for head, _, tail in facts for name in (head, tail)})
    place = {name: i for i, name in enumerate(entities)}
    train = np.array([(place[h], RELATIONS.index(r), place[t]) for h, r, t in sorted(facts)], dtype=np.int64).reshape(-1, 3)
    none = np.zeros((0, 3), dtype=np.int64)
    return KnowledgeGraph(entities, list(RELATIONS), train, none, none, name="experience")


def _shown(task: str, finding: str) -> tuple[str, str, str]:
    return task_node(task), SHOWS, f"finding {finding}"


def _traits(task: str, traits: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Words as they are, counts by their order of magnitude."""
    found = []
    for name, value in traits.items():
        if isinstance(value, bool | str):
            said = str(value)
        elif isinstance(value, int | float) and math.isfinite(value):
            said = "none" if value <= 0 else f"1e{round(2 * math.log10(value)) / 2:g}"
        else:
            continue
        found.append((task_node(task), HAS, f"trait {name} {said}"))
    return found
