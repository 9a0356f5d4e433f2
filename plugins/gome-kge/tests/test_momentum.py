"""Momentum over a graph of experience: what helped where tasks are alike."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gome_graph.records import Component, Experience, Hypothesis, RecallQuery, StepId, VerdictKind
from gome_kge.momentum.graph import RELATIONS, Situation, experience_graph, task_node, technique_node
from gome_kge.momentum.memory import GRAPH_WEIGHT, GraphMemory
from gome_kge.momentum.ranker import technique_scores
from gome_memory.memory import MemoryConfig, SuccessMemory

CONFIG = MemoryConfig(index="exact", embedding="hash")
WIDE, LONG = {"target": "binary", "rows": 900, "columns": 300}, {"target": "regression", "rows": 90_000, "columns": 8}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def step(task: str, traits: dict[str, Any], technique: str, gain: float) -> Experience:
    name = StepId("t0-1")
    return Experience(
        key=f"{task}/{technique}", run=task, trace=0, step=name, task=task, traits=traits,
        findings=["overfit"] if traits is WIDE else ["slow"],
        hypothesis=Hypothesis(title=f"Try {technique}", rationale="It may help.", component=Component.MODEL, technique=technique),
        gain_in_noise=gain, verdict=VerdictKind.ACCEPTED if gain > 0 else VerdictKind.NOT_BETTER,
    )  # fmt: skip


def told() -> list[Experience]:
    """Shrinking helps on wide tasks and hurts on long ones, growing the other way round."""
    found = []
    for number in range(4):
        for kind, traits, sign in (("wide", WIDE, 1.0), ("long", LONG, -1.0)):
            found.append(step(f"{kind}{number}", traits, "shrink", 2.0 * sign))
            found.append(step(f"{kind}{number}", traits, "grow", -2.0 * sign))
            found.append(step(f"{kind}{number}", traits, "other", 1.0 if number % 2 else -1.0))
    return found


def query(traits: dict[str, Any]) -> RecallQuery:
    asked = [step("new", traits, name, 0.0).hypothesis for name in ("shrink", "grow")]
    findings = ["overfit"] if traits is WIDE else ["slow"]
    return RecallQuery(hypotheses=asked, trace_steps=3, seed=0, task="new", run="new", traits=traits, findings=findings)


def test_the_graph_tells_tasks_apart_by_their_traits() -> None:
    for traits, findings, better, worse in ((WIDE, ("overfit",), "shrink", "grow"), (LONG, ("slow",), "grow", "shrink")):
        for seed in (0, 1):
            scores = technique_scores(told(), Situation("new", traits, findings), seed)
            assert scores[better] > scores["other"] > scores[worse], (better, scores)


def test_the_term_is_added_to_the_weight(tmp_path: Path) -> None:
    plain = SuccessMemory(tmp_path, CONFIG)
    plain.remember_all(told())
    graph = GraphMemory(tmp_path, CONFIG)
    for traits, better in ((WIDE, "shrink"), (LONG, "grow")):
        without = {item.experience.key: item.weight for item in plain.recall(query(traits)).successes}
        found = graph.recall(query(traits)).successes
        assert found[0].experience.hypothesis.technique == better
        for item in found:
            if item.experience.key in without:
                added = item.weight - without[item.experience.key]
                assert abs(added) <= GRAPH_WEIGHT
                assert (added > 0) == (item.experience.hypothesis.technique == better)
    plain.close()
    graph.close()


def test_a_memory_of_few_tasks_ranks_as_without_a_graph(tmp_path: Path) -> None:
    plain, graph = SuccessMemory(tmp_path, CONFIG), GraphMemory(tmp_path, CONFIG)
    plain.remember_all(item for item in told() if item.task in ("wide0", "long0"))
    plain.remember(step("new", WIDE, "shrink", 1.0))
    assert graph.recall(query(WIDE)) == plain.recall(query(WIDE))
    plain.close()
    graph.close()


def test_the_graph_does_not_depend_on_the_order_or_on_raw_gains() -> None:
    here = Situation("new", WIDE, ("overfit",))
    changed = [item.model_copy(update={"gain": 1000.0 * item.gain_in_noise}) for item in reversed(told())]
    first, second = experience_graph(told(), here), experience_graph(changed, here)
    assert first.entities == second.entities
    assert (first.train == second.train).all()
    assert technique_scores(told(), here, 3) == technique_scores(changed, here, 3)
    name = {relation: i for i, relation in enumerate(RELATIONS)}
    facts = {tuple(row) for row in first.train.tolist()}
    place = {entity: i for i, entity in enumerate(first.entities)}
    assert (place[task_node("wide0")], name["gains_from"], place[technique_node("shrink")]) in facts
    assert (place[task_node("long0")], name["loses_from"], place[technique_node("shrink")]) in facts
    assert (place[task_node("new")], name["shows"], place["finding overfit"]) in facts
    assert (place[task_node("wide0")], name["has"], place["trait rows 1e3"]) in facts
