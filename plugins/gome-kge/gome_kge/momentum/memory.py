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
LEAST_TASKS = 3
"""Other tasks below which a graph says nothing that their experiences do not say themselves."""
KEPT = 32
"""Situations whose scores are kept."""


class GraphMemory(SuccessMemory):
    """`SuccessMemory` whose ranking also asks a small knowledge-graph embedding of all experience."""

    def __init__(self, path: Path, config: MemoryConfig | None = None, embedding: Any = None) -> None:
        super().__init__(path, config, embedding)
        self.name = "graph"
        self._seen: dict[str, Experience] = {}
        self._seq = 0
        self._kept: dict[tuple[object, ...], dict[str, float]] = {}
        self._training = threading.Lock()
        """Traces that ask for the same thing at once train it once."""

    def terms(self, query: RecallQuery, candidates: list[Candidate]) -> Mapping[str, float]:
        """Key -> `GRAPH_WEIGHT` times what the graph expects of the experience's technique."""
        with self._training:
            self._take_in()
            techniques = {
                item.key: self._seen[item.key].hypothesis.technique or "" for item in candidates if item.key in self._seen
            }  # fmt: skip
            scores = self._scores(query, [item for item in self._seen.values() if item.task != query.task])
        return {key: GRAPH_WEIGHT * scores.get(technique, 0.0) for key, technique in techniques.items()}

    def _take_in(self) -> None:
        """What was written and forgotten since the last question, by whomever."""
        self._seq, written, forgotten = self.news(self._seq)
        for key in forgotten:
            self._seen.pop(key, None)
        self._seen |= {item.key: item for item in written}

    def _scores(self, query: RecallQuery, others: list[Experience]) -> dict[str, float]:
        if len({item.task for item in others}) < LEAST_TASKS:  # torch need not be imported for that
            return {}
        from gome_kge.momentum.graph import Situation
        from gome_kge.momentum.ranker import technique_scores

        here = Situation(query.task, query.traits, tuple(query.findings))
        told = sorted(others, key=lambda item: (-abs(item.gain_in_noise), item.key))[:MOST]
        key = _key(here, told)
        if key not in self._kept:
            seed = derive_seed(0, "momentum graph", query.task)
            self._kept = {**dict(list(self._kept.items())[-KEPT:]), key: technique_scores(told, here, seed)}
        return self._kept[key]


def _key(here: "Situation", told: list[Experience]) -> tuple[object, ...]:
    """Everything the scores depend on."""
    facts = hash(tuple((item.key, item.gain_in_noise) for item in told))
    return here.task, tuple(sorted((name, str(value)) for name, value in here.traits.items())), here.findings, facts
