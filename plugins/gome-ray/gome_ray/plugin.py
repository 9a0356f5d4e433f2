"""The entry point: offers ``ray``."""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from gome_graph.hooks import Offer, hookimpl
from gome_ray.settings import RaySettings


def _make(settings: RaySettings) -> Any:
    from gome_ray.executor import RayExecutor

    return RayExecutor(settings)


def _missing() -> list[str]:
    return [] if find_spec("ray") else ["Ray is not installed; pip install 'gome-ray[ray]'"]


@hookimpl
def gome_executor() -> Iterable[Offer]:
    """Offer ``ray``."""
    return [Offer("ray", _make, summary="scripts on the nodes of a Ray cluster", config=RaySettings, requires=_missing)]
