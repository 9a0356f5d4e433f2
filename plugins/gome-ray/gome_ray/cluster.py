"""The connection to the cluster: one for each process, kept until the process ends (a cluster takes seconds to start)."""

import logging
import os
import signal
import threading
from typing import Any

from gome_graph.errors import SandboxError
from gome_ray.settings import RaySettings

WORKER_IDLE_MS = 600_000

_connecting = threading.Lock()


def connect(settings: RaySettings) -> Any:
    """The module ``ray``, connected to the cluster of the settings.

    Raises
    ------
    SandboxError
        If Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Workers of a cluster that is started here wait for the next script instead of being started anew for each (seconds of Python imports).
    os.environ.setdefault("RAY_idle_worker_killing_time_threshold_ms", str(WORKER_IDLE_MS))
    # Ray makes workers nice (15), but in them sits the watchdog of each script: it must not be starved by what it watches.
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        import ray
    except ImportError as error:
        raise SandboxError("Ray is not installed; pip install 'gome-ray[ray]'") from error
    with _connecting:
        if not ray.is_initialized():
            handlers = _handlers()
            try:
                ray.init(**_arguments(settings))
            except Exception as error:
                where = settings.address or "this machine"
                raise SandboxError(f"no Ray cluster on {where}: {type(error).__name__}: {error}") from error
            finally:
                _restore(handlers)  # Ray takes SIGTERM for itself; a run ends by it with its best so far
    return ray


def _arguments(settings: RaySettings) -> dict[str, Any]:
    common = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if settings.address:
        return {"address": settings.address, **common}
    cpus = settings.local_cpus or len(os.sched_getaffinity(0))
    return {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": settings.store_bytes, **common}


def _handlers() -> dict[int, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:
            signal.signal(number, handler)
