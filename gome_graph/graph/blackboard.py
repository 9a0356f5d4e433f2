"""Where traces meet while they run: incumbents and hypotheses in flight, in the LangGraph store.

No trace ever waits here: a reader takes what is there now.
"""

import hashlib

from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore

from gome_graph.graph.services import RunServices
from gome_graph.hooks import SiblingFacts
from gome_graph.records import Hypothesis
from gome_graph.run import RunDirectory


class Blackboard:
    """One entry per trace, written by that trace alone."""

    def __init__(self, store: BaseStore, run: RunDirectory) -> None:
        self._store = store
        self._run = run
        # Not the path itself: a store takes no names with periods in them.
        self._space = ("blackboard", hashlib.sha256(str(run.root).encode()).hexdigest()[:16])

    def post(self, trace: int, *, steps: int, hypothesis: Hypothesis | None, incumbent: str | None) -> None:
        """Say what the trace is doing now."""
        value = {"trace": trace, "steps": steps, "hypothesis": hypothesis and hypothesis.model_dump(mode="json"), "incumbent": incumbent}
        self._store.put(self._space, str(trace), value)

    def siblings(self, trace: int) -> list[SiblingFacts]:
        """What the other traces are doing, by number."""
        facts: list[SiblingFacts] = []
        for item in sorted(self._store.search(self._space, limit=1000), key=lambda i: int(i.key)):
            value = item.value
            if value["trace"] == trace:
                continue
            incumbent = value["incumbent"]
            step = self._run.step(incumbent) if incumbent else None
            verdict = step.verdict() if step else None
            facts.append(
                SiblingFacts(
                    trace=value["trace"],
                    hypothesis=Hypothesis.model_validate(value["hypothesis"]) if value["hypothesis"] else None,
                    incumbent=step.solution() if step else None,
                    score=verdict.score.value if verdict and verdict.score else None,
                    steps=value["steps"],
                )
            )
        return facts


def blackboard(runtime: Runtime[None], services: RunServices) -> Blackboard:
    """The run's blackboard, on the store the graph was compiled with."""
    if runtime.store is None:
        raise RuntimeError("the graph was compiled without a store; see gome_graph.graph.build")
    return Blackboard(runtime.store, services.run)
