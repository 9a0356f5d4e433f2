"""Scripts in Docker containers: the executor ``docker``."""

from gome_docker.executor import DockerExecutor
from gome_docker.settings import DockerSettings, Libraries

__all__ = ["DockerExecutor", "DockerSettings", "Libraries"]
