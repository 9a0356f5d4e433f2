"""What runs on a node: a script behind the walls of the local executor, in a folder that is gone afterwards."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from gome_graph.errors import SandboxError
from gome_graph.execution import LocalExecutor, LocalSettings
from gome_graph.records import Execution, Outcome, Protections, ScriptJob
from gome_ray.parcels import Parcel, pack, place_once, unpack

WALLS = ("network_blocked", "filesystem_confined", "processes_confined", "memory_limited")
_executors: dict[str, LocalExecutor] = {}


@dataclass(frozen=True)
class Order:
    """One script for some node."""

    job: str
    """A `ScriptJob` as JSON; its folders are those of the orchestrator, and only their names matter here."""
    workspace: Parcel
    input_name: str
    """Fingerprint of the input."""
    settings: str
    """`LocalSettings` as JSON."""
    walls: tuple[str, ...]
    """What the orchestrator has announced: a node with less refuses the script."""


@dataclass(frozen=True)
class Delivery:
    """What comes back."""

    execution: str
    """As JSON."""
    workspace: Parcel | None
    """What the script left; None if it was too much."""
    node: str


def protections(settings: str) -> str:
    """The walls of the node that answers, as JSON."""
    return _local(settings).protections().model_dump_json()


def carry_out(order: Order, data: Parcel) -> Delivery:
    """Run the script of an order on this node.

    Raises
    ------
    SandboxError
        If this node cannot contain it as announced.
    """
    executor = _local(order.settings)
    found = executor.protections()
    lacking = [wall for wall in order.walls if not getattr(found, wall)]
    if lacking:
        raise SandboxError(f"node {os.uname().nodename} has no {lacking[0]} ({found.mechanism}), which was announced for this run")
    job = ScriptJob.model_validate_json(order.job)
    with _folder() as place:
        workspace = place / "work"
        unpack(order.workspace, workspace)
        given = place_once(data, order.input_name, _root() / "inputs")
        execution = executor.run(job.model_copy(update={"workspace": workspace, "input_dir": given}))
        return Delivery(execution.model_dump_json(), _leftover(workspace, execution, job), os.uname().nodename)


def _leftover(workspace: Path, execution: Execution, job: ScriptJob) -> Parcel | None:
    """A script that wrote more than it may has nothing to hand in but its logs."""
    if execution.outcome is Outcome.LIMIT:
        size = sum(path.lstat().st_size for path in workspace.rglob("*"))
        if job.limits.workspace_bytes and size > job.limits.workspace_bytes:
            shutil.rmtree(workspace / "output", ignore_errors=True)
            (workspace / "output").mkdir()
    return pack(workspace, without=("input", "solution.py"))


def _local(settings: str) -> LocalExecutor:
    """One local executor a worker process: its walls are measured once."""
    if settings not in _executors:
        _executors[settings] = LocalExecutor(LocalSettings.model_validate_json(settings))
    return _executors[settings]


def _root() -> Path:
    root = Path(tempfile.gettempdir()) / f"gome-ray-{os.geteuid()}"
    root.mkdir(mode=0o711, exist_ok=True)
    if root.is_symlink() or root.stat().st_uid != os.geteuid():
        raise SandboxError(f"{root} belongs to somebody else; remove it on node {os.uname().nodename}")
    return root


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder of this script's own; those of workers that were killed are removed first."""
    root = _root() / "scripts"
    root.mkdir(mode=0o711, exist_ok=True)
    for left in root.iterdir():
        pid = left.name.split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    place = Path(tempfile.mkdtemp(dir=root, prefix=f"{os.getpid()}-"))
    place.chmod(0o711)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def as_protections(text: str) -> Protections:
    """Parse what `protections` said, and name the cluster in it."""
    found = Protections.model_validate_json(text)
    return found.model_copy(update={"mechanism": f"ray ({found.mechanism} on each node)"})
