"""Settings of the docker executor."""

import os
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gome_graph.records import Bytes, Seconds


class Libraries(StrEnum):
    """Where a script's Python comes from."""

    IMAGE = "image"
    """The image has Python and the libraries (the packaged Dockerfile installs the pinned ones)."""
    HOST = "host"
    """This machine's Python and libraries, mounted read-only into a bare image of the same distribution."""


class DockerSettings(BaseModel):
    """What a user may set for ``--executor docker``. What has a variable beside it can be set by the environment too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(default_factory=lambda: os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    """The daemon, on this machine: workspaces are mounted, not copied (DOCKER_HOST)."""
    image: str = Field(default_factory=lambda: os.environ.get("GOME_DOCKER_IMAGE", ""))
    """Run this image; empty builds the packaged Dockerfile once (GOME_DOCKER_IMAGE)."""
    base: str = Field(default_factory=lambda: os.environ.get("GOME_DOCKER_BASE", "python:3.11.14-slim-bookworm"))
    """What the packaged Dockerfile starts from; add ``@sha256:...`` to pin it to the byte (GOME_DOCKER_BASE)."""
    libraries: Libraries = Field(default_factory=lambda: Libraries(os.environ.get("GOME_DOCKER_LIBRARIES", "image")))
    """Where Python and its libraries come from (GOME_DOCKER_LIBRARIES)."""
    readable: list[Path] = []
    """Further host paths that scripts may read, at the same place."""
    memory_bytes: Bytes = Field(default=0, ge=0)
    """Memory for a script whose job sets no limit; 0 for three quarters of the machine's."""
    scratch_bytes: Bytes = Field(default=512 << 20, gt=0)
    """Size of a script's ``/tmp`` and of its ``/dev/shm``, both in memory and counted with it."""
    gpus: int = Field(default=0, ge=-1, le=64)
    """GPUs that a script sees; -1 for all. They need the daemon's NVIDIA runtime."""
    grace_seconds: Seconds = Field(default=0.5, ge=0, le=10)
    """Between SIGTERM and SIGKILL."""
