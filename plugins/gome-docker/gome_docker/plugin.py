"""The entry point: offers ``docker``. The Docker SDK is imported when the executor is made, not before."""

from collections.abc import Iterable
from typing import Any

from gome_docker.settings import DockerSettings
from gome_graph.hooks import Offer, hookimpl


def _make(settings: DockerSettings) -> Any:
    from gome_docker.executor import DockerExecutor

    return DockerExecutor(settings)


def _missing() -> list[str]:
    from gome_docker.daemon import problem

    trouble = problem(DockerSettings())
    return [trouble] if trouble else []


@hookimpl
def gome_executor() -> Iterable[Offer]:
    """Offer ``docker``."""
    return [Offer("docker", _make, summary="scripts in containers of a Docker daemon", config=DockerSettings, requires=_missing)]
