"""The ray executor: scripts as tasks of a cluster, each behind the walls of the local executor of its node."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gome_graph.errors import SandboxError
from gome_graph.execution.toolkit import Running, prepare, restore, write_file
from gome_graph.records import Execution, Outcome, Protections, ScriptJob
from gome_ray.cluster import connect
from gome_ray.parcels import fingerprint, pack, unpack
from gome_ray.settings import RaySettings
from gome_ray.work import WALLS, Delivery, Order, as_protections, carry_out, protections

LOOK_PAUSE = 0.2
"""Seconds between two questions whether the run was stopped."""
CLOSE_SECONDS = 15.0
"""Patience with scripts that are asked to stop because the executor is closed."""
CANCEL_PATIENCE = 3.0
"""Seconds for a node to end a script in good order; then its worker is killed, and the script dies with it."""
NOT_SENT = ("input", "output", ".scratch", "stdout.log", "stderr.log")
"""What an earlier attempt left in a workspace."""


class RayExecutor:
    """Implements `gome_graph.hooks.Executor`; thread-safe.

    A script goes to a node with its workspace; its input goes to each node once, by reference to the object store. If a worker or a node
    is lost the script begins again elsewhere, from nothing; what comes back is of one attempt, whole.

    Raises
    ------
    SandboxError
        From `protections` and `run`, if there is no cluster, no node with the walls announced, or a script's nodes were lost too often.
    """

    name = "ray"

    def __init__(self, settings: RaySettings | None = None) -> None:
        self._settings = settings or RaySettings()
        self._node = self._settings.node.model_dump_json()
        self._lock = threading.Lock()
        self._protections: Protections | None = None
        self._inputs: dict[str, Any] = {}
        self._task: Any = None
        self._running = Running()

    def protections(self) -> Protections:
        """The walls of the node that answers first; every other one must have them too, or refuses its scripts."""
        ray = connect(self._settings)
        with self._lock:
            if self._protections is None:
                ask = ray.remote(protections).options(num_cpus=0.1, max_retries=self._settings.retries)
                try:
                    self._protections = as_protections(ray.get(ask.remote(self._node), timeout=self._settings.queue_seconds or None))
                except ray.exceptions.GetTimeoutError as error:
                    raise SandboxError(f"no node of the cluster answered within {self._settings.queue_seconds:g} s") from error
                except ray.exceptions.RayError as error:
                    raise SandboxError(f"no sandbox on the cluster's nodes: {_reason(error)}") from error
            return self._protections

    def run(self, job: ScriptJob, stopped: Callable[[], bool] = lambda: False) -> Execution:
        """Run ``solution.py`` of the job's workspace; see `gome_graph.hooks.Executor.run`."""
        walls = self.protections()
        with self._running.one():
            return self._run(job, tuple(wall for wall in WALLS if getattr(walls, wall)), lambda: self._running.closing() or stopped())

    def close(self) -> None:
        """End every script that still runs (outcome ``stopped``) and wait until they are gone; the cluster stays."""
        self._running.end(CLOSE_SECONDS)
        with self._lock:
            self._inputs.clear()

    def _run(self, job: ScriptJob, walls: tuple[str, ...], stopped: Callable[[], bool]) -> Execution:
        ray = connect(self._settings)
        text = prepare(job.workspace, None)
        name, data = self._input(ray, job.input_dir)
        order = Order(job.model_dump_json(), pack(job.workspace, without=NOT_SENT), name, self._node, walls)
        if self._task is None:
            self._task = ray.remote(carry_out)  # once: each is shipped to the workers anew
        task = self._task.options(
            num_cpus=job.cpus, num_gpus=self._settings.gpus or None, memory=_memory(ray, job) or None, max_retries=self._settings.retries,
            retry_exceptions=False, name=f"gome {job.workspace.parent.name} {job.stage.value}",
        )  # fmt: skip
        answer = task.remote(order, data)
        deadline = time.monotonic() + job.limits.wall_seconds + self._settings.queue_seconds
        try:
            while not ray.wait([answer], timeout=LOOK_PAUSE)[0]:
                if stopped():
                    return self._cancel(ray, answer, job, text, "Stopped on request.")
                if time.monotonic() > deadline:
                    return self._cancel(ray, answer, job, text, "The cluster had no room for it in time.")
            delivery: Delivery = ray.get(answer)
        except ray.exceptions.TaskCancelledError:
            return _unfinished(job, text, Outcome.STOPPED, "Its task was cancelled on the cluster.")
        except ray.exceptions.OutOfMemoryError:
            return _unfinished(job, text, Outcome.OUT_OF_MEMORY, "Killed by Ray: its node ran out of memory.")
        except ray.exceptions.RayError as error:
            _unfinished(job, text, Outcome.STOPPED, "")
            raise SandboxError(f"the cluster could not run the script: {_reason(error)}") from error
        return _receive(job, text, delivery)

    def _input(self, ray: Any, folder: Path) -> tuple[str, Any]:
        """Fingerprint and reference of an input folder; packed once for all scripts that read it."""
        if not folder.is_dir():
            raise SandboxError(f"The input folder {folder} is missing.")
        with self._lock:
            name = fingerprint(folder.resolve())
            if name not in self._inputs:
                self._inputs[name] = ray.put(pack(folder))
            return name, self._inputs[name]

    def _cancel(self, ray: Any, answer: Any, job: ScriptJob, text: bytes, why: str) -> Execution:
        """End a script wherever it is. What it has measured so far is lost with it."""
        for force in (False, True):
            with contextlib.suppress(ray.exceptions.RayError, ValueError):
                ray.cancel(answer, force=force)
            if ray.wait([answer], timeout=CANCEL_PATIENCE)[0]:
                break
        return _unfinished(job, text, Outcome.STOPPED, why)


def _receive(job: ScriptJob, text: bytes, delivery: Delivery) -> Execution:
    """Put what came back where the local executor would have left it."""
    if delivery.workspace is not None:
        for name in NOT_SENT:
            _clear(job.workspace / name)
        unpack(delivery.workspace, job.workspace)
    _, refused = restore(job.workspace, text)
    execution = Execution.model_validate_json(delivery.execution)
    return execution.model_copy(update={"detail": " ".join(filter(None, [execution.detail, *refused]))})


def _unfinished(job: ScriptJob, text: bytes, outcome: Outcome, why: str) -> Execution:
    restore(job.workspace, text)
    for name in ("stdout.log", "stderr.log"):
        write_file(job.workspace / name, b"")
    return Execution(outcome=outcome, stage=job.stage, seed=job.seed, detail=why)


def _clear(path: Path) -> None:
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _memory(ray: Any, job: ScriptJob) -> int:
    """What to reserve: the script's limit, but no more than its cores' share of the smallest node, so that cores decide how many run."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    shares = [int(found.get("memory", 0) * min(1.0, job.cpus / found["CPU"])) for found in nodes]
    return min([job.limits.memory_bytes or max(shares, default=0), *shares]) if shares else 0


def _reason(error: Exception) -> str:
    """The cause that a node told, in a line."""
    cause = getattr(error, "cause", None) or error
    lines = [line for line in str(cause).strip().splitlines() if line.strip()]
    return (lines[-1] if lines else type(cause).__name__)[:300]
