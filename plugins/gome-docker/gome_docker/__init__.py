"""Scripts in Docker containers: the executor ``docker``, `gome_docker.executor.DockerExecutor`; the SDK is imported with that module."""

from gome_docker.settings import DockerSettings, Libraries

__all__ = ["DockerSettings", "Libraries"]
