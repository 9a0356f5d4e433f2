"""The rules reasoner as a plugin of the core: registered through the same hooks as any other."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gome_graph.hooks import Offer, hookimpl

if TYPE_CHECKING:
    from gome_graph.reasoners.rules.technique import Technique


def _config() -> type:
    from gome_graph.reasoners.rules.reasoner import RulesConfig

    return RulesConfig


def _make(config: Any = None, *, techniques: "Iterable[Technique] | None" = None, **services: Any) -> Any:
    from gome_graph.reasoners.rules.reasoner import RulesReasoner

    return RulesReasoner(config, techniques=techniques)


@hookimpl
def gome_reasoner() -> Iterable[Offer]:
    """Offer the rules reasoner."""
    yield Offer("rules", _make, "picks techniques from a catalog by findings and momentum; needs no model and no key", config=_config())


@hookimpl
def gome_techniques() -> "Iterable[Technique]":
    """Offer the built-in catalog."""
    from gome_graph.reasoners.rules.catalog import BUILT_IN

    return BUILT_IN
