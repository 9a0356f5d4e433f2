"""Settings of the local executor."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gome_graph.records import Bytes, Seconds


class Mechanism(StrEnum):
    """How files, network and processes are kept apart; best first."""

    AUTO = "auto"
    """The best one that passes its self-check on this machine."""
    BUBBLEWRAP = "bubblewrap"
    """A file system of its own, made by ``bwrap``."""
    NAMESPACES = "namespaces"
    """Fresh namespaces from the kernel, files confined by Landlock, system calls by seccomp."""
    LANDLOCK = "landlock"
    """Landlock and seccomp alone, for machines that grant no namespaces (most containers)."""
    NONE = "none"
    """An ordinary process with limits. The script can read and write what you can."""


class LocalSettings(BaseModel):
    """What a user may set for ``--executor local``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mechanism: Mechanism = Mechanism.AUTO
    """Which walls to use; a named one that does not work here is an error, not a silent step down."""
    readable: list[Path] = []
    """Further host paths scripts may read, at the same place (a model cache, a library outside the environment)."""
    memory_bytes: Bytes = Field(default=0, ge=0)
    """Memory for a script whose job sets no limit; 0 for three quarters of the machine's."""
    scratch_bytes: Bytes = Field(default=512 << 20, gt=0)
    """Size of a script's ``/tmp`` and of its ``/dev/shm``, both in memory."""
    grace_seconds: Seconds = Field(default=0.5, ge=0, le=10)
    """Between SIGTERM and SIGKILL."""
    nice: int = Field(default=5, ge=0, le=19)
    """Scripts yield to the orchestrator, so that limits are kept on a busy machine."""
