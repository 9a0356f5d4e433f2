"""The language-model reasoner as a plugin of the core. Nothing of it is imported before it is chosen."""

from collections.abc import Iterable
from typing import Any

from gome_graph.hooks import Offer, hookimpl

WANTS = frozenset({"models", "trials", "tell"})


def _make(config: Any = None, *, votes: bool = False, **services: Any) -> Any:
    from gome_graph.reasoners.llm.config import LlmConfig
    from gome_graph.reasoners.llm.reasoner import LlmReasoner

    return LlmReasoner(config or LlmConfig(), votes=votes, **services)


def _make_voting(config: Any = None, **services: Any) -> Any:
    return _make(config, votes=True, **services)


@hookimpl
def gome_reasoner() -> Iterable[Offer]:
    """Offer the reasoner, and the one in which the rules vote."""
    from gome_graph.reasoners.llm.config import LlmConfig

    yield Offer("llm", _make, "a language model diagnoses, proposes and writes patches; the rules stand in for it", LlmConfig, wants=WANTS)
    yield Offer("rules+llm", _make_voting, "the same, and the rules draft and propose too", LlmConfig, wants=WANTS)
