"""The success memory with one more term in its ranking: what the graph of experience expects of each technique here.

weight = cos * exp(-gamma L) + tanh z + `GRAPH_WEIGHT` * (expected of the experience's technique, in (-1, 1))

The graph is made of other tasks' experiences alone; what this task has tried is near at hand and speaks for itself. With fewer than three
other tasks the term is nothing, so that it costs and changes nothing in a memory of one run.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome_graph.records import Experience, RecallQuery
from gome_graph.support.seeds import derive_seed
from gome_memory.memory import MemoryConfig, SuccessMemory
from gome_memory.momentum import Candidate

if TYPE_CHECKING:
    from gome_kge.momentum.graph import Situation

GRAPH_WEIGHT = 0.5
"""As much as half a noise unit of measured gain."""
MOST = 5_000
"""Experiences in the graph; those of the largest gain and loss, for they say most."""
KEPT = 32
"""Situations whose scores are kept."""


class GraphMemory(SuccessMemory):
    """`SuccessMemory` whose ranking also asks a small knowledge-graph embedding of all experience."""

    def __init__(self, path: Path, config: MemoryConfig | None = None, embedding: Any = None) -> None:
        super().__init__(path, config, embedding)
        self.name = "graph"
        self._kept: dict[tuple[object, ...], dict[str, float]] = {}
        self._training = threading.Lock()

    def terms(self, query: RecallQuery, candidates: list[Candidate]) -> Mapping[str, float]:
        """Key -> `GRAPH_WEIGHT` times what the graph expects of the experience's technique."""
        everything = self.experiences()
        others = [item for item in everything if item.task != query.task]
        scores = self._scores(query, others)
        technique = {item.key: item.hypothesis.technique for item in everything}
        wanted = (item.key for item in candidates)
        return {key: GRAPH_WEIGHT * scores.get(technique.get(key) or "", 0.0) for key in wanted}

    def _scores(self, query: RecallQuery, others: list[Experience]) -> dict[str, float]:
        if len({item.task for item in others}) < 2:
            return {}
        from gome_kge.momentum.graph import Situation
        from gome_kge.momentum.ranker import technique_scores

        here = Situation(query.task, query.traits, tuple(query.findings))
        told = sorted(others, key=lambda item: (-abs(item.gain_in_noise), item.key))[:MOST]
        key = _key(here, told)
        with self._training:  # traces that ask for the same thing at once train it once
            if key not in self._kept:
                seed = derive_seed(0, "momentum graph", query.task)
                self._kept = {**dict(list(self._kept.items())[-KEPT:]), key: technique_scores(told, here, seed)}
            return self._kept[key]


def _key(here: "Situation", told: list[Experience]) -> tuple[object, ...]:
    """Everything the scores depend on."""
    facts = hash(tuple((item.key, item.gain_in_noise) for item in told))
    return here.task, tuple(sorted((name, str(value)) for name, value in here.traits.items())), here.findings, facts
