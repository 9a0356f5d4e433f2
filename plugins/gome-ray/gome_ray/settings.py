"""Settings of the ray executor."""

import os

from pydantic import BaseModel, ConfigDict, Field

from gome_graph.execution import LocalSettings
from gome_graph.records import Bytes, Seconds


class RaySettings(BaseModel):
    """What a user may set for ``--executor ray``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(default_factory=lambda: os.environ.get("RAY_ADDRESS", ""))
    """The cluster: ``host:6379`` or ``ray://host:10001``; empty starts one on this machine (RAY_ADDRESS)."""
    local_cpus: int | None = Field(default=None, ge=1)
    """Cores of a cluster that is started here; None takes what the process may use."""
    store_bytes: Bytes = Field(default=150 << 20, ge=80 << 20)
    """Memory of the object store of a cluster that is started here."""
    gpus: float = Field(default=0, ge=0)
    """GPUs that a script asks for; below 1 shares one."""
    retries: int = Field(default=3, ge=0, le=20)
    """How often a script is begun again because its node or worker was lost. A script that fails by itself is not."""
    queue_seconds: Seconds = Field(default=120.0, ge=0)
    """How long a script may wait for room on the cluster, beyond its own time limit."""
    node: LocalSettings = LocalSettings()
    """The local executor on each node, whose walls contain the script."""
