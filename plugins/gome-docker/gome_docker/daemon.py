"""The connection to the daemon, and what to do about a missing one."""

import docker
from docker.errors import DockerException

from gome_docker.settings import DockerSettings
from gome_graph.errors import SandboxError

ANSWER_SECONDS = 60
"""A busy daemon may take this long for one request; scripts are waited for in another way."""
PROBE_SECONDS = 3


def connect(settings: DockerSettings) -> docker.DockerClient:
    """An open client.

    Raises
    ------
    SandboxError
        If no daemon answers.
    """
    try:
        client = docker.DockerClient(base_url=settings.url, timeout=ANSWER_SECONDS)
        client.ping()
    except (DockerException, OSError) as error:
        raise SandboxError(
            f"no Docker daemon answers at {settings.url} ({_short(error)}); start it, or point DOCKER_HOST at one on this machine"
        ) from error
    return client


def problem(settings: DockerSettings) -> str | None:
    """Why the executor cannot run here, in a sentence; None if a daemon answers."""
    try:
        client = docker.DockerClient(base_url=settings.url, timeout=PROBE_SECONDS)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError) as error:
        return f"no Docker daemon answers at {settings.url} ({_short(error)})"
    return None


def _short(error: Exception) -> str:
    """The innermost reason: the SDK wraps a missing socket four times."""
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return str(getattr(inner, "strerror", None) or inner)[:200]
