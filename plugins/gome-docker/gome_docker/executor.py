"""The docker executor: each script in a container of its own, which is gone when the script is."""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound

from gome_docker.box import LABEL, OWNER, Box, is_alive, memory_of
from gome_docker.daemon import connect
from gome_docker.image import ensure_image
from gome_docker.inputs import readable_input
from gome_docker.settings import DockerSettings
from gome_docker.stream import Stream
from gome_graph.errors import SandboxError
from gome_graph.execution.toolkit import (
    CLOSED,
    FLOOD_FACTOR,
    Ending,
    Running,
    Watched,
    borrow_uid,
    can_lend_uids,
    check,
    describe,
    judge,
    measure,
    prepare,
    restore,
    return_uid,
    write_file,
)
from gome_graph.records import Execution, Outcome, Protections, ScriptJob

log = logging.getLogger(__name__)

LOOK_PAUSE = 0.2
"""Seconds between two questions whether the run was stopped."""
DISK_PAUSE = 1.0
"""Seconds between two looks at the workspace's size."""
CLOSE_SECONDS = 15.0
"""Patience with scripts that are asked to stop because the executor is closed."""
END_PATIENCE = 3.0
"""Seconds for process 1 to end everything, after its grace; then the daemon kills the container."""


class DockerExecutor:
    """Implements `gome_graph.hooks.Executor`; thread-safe.

    Containers whose orchestrator died are removed when the next one begins; while it lives, each is removed as soon as it has ended. A
    script also dies with its orchestrator: its process 1 sees the connection close.

    Raises
    ------
    SandboxError
        From `protections` and `run`, if no daemon answers or the image cannot be had.
    """

    name = "docker"

    def __init__(self, settings: DockerSettings | None = None) -> None:
        self._settings = settings or DockerSettings()
        self._lock = threading.Lock()
        self._client: docker.DockerClient | None = None
        self._image = ""
        self._protections: Protections | None = None
        self._running = Running()

    def protections(self) -> Protections:
        """Which walls hold: measured once by a script that tries to get out."""
        self._open()
        with self._lock:
            if self._protections is None:
                found = check(lambda job: self._run(job, self._running.closing))
                if not found.works:
                    raise SandboxError(f"docker: {found.problem}; look at the image, or set libraries to the other value")
                self._protections = describe(f"docker ({self._image})", found, [])
            return self._protections

    def run(self, job: ScriptJob, stopped: Callable[[], bool] = lambda: False) -> Execution:
        """Run ``solution.py`` of the job's workspace; see `gome_graph.hooks.Executor.run`."""
        self._open()
        with self._running.one():
            return self._run(job, lambda: self._running.closing() or stopped())

    def close(self) -> None:
        """End every script that still runs (outcome ``stopped``), wait until they are gone, let go of the daemon."""
        self._running.end(CLOSE_SECONDS)
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _open(self) -> docker.DockerClient:
        with self._lock:
            if self._client is None:
                if self._running.closing():
                    raise SandboxError(CLOSED)
                client = connect(self._settings)
                sweep(client)
                self._image = ensure_image(client, self._settings)
                self._client = client
            return self._client

    def _run(self, job: ScriptJob, stopped: Callable[[], bool]) -> Execution:
        client = self._client
        if client is None:
            raise SandboxError(CLOSED)
        job = job.model_copy(update={"workspace": job.workspace.resolve(), "input_dir": job.input_dir.resolve()})
        if not job.input_dir.is_dir():
            raise SandboxError(f"The input folder {job.input_dir} is missing.")
        uid = borrow_uid() if can_lend_uids() else None
        try:
            text = prepare(job.workspace, uid)
            try:
                with readable_input(job, uid) as given:
                    box = Box(given, self._image, os.geteuid() if uid is None else uid, secrets.token_hex(16))
                    watched = self._watch(client, box, stopped)
            finally:
                usage, refused = restore(job.workspace, text)
        finally:
            if uid is not None:
                return_uid(uid)
        for name, kept in (("stdout.log", watched.stdout), ("stderr.log", watched.stderr)):
            write_file(job.workspace / name, kept.content())
        return judge(job, watched, usage, refused)

    def _watch(self, client: docker.DockerClient, box: Box, stopped: Callable[[], bool]) -> Watched:
        """Make the container, watch it to its end, and remove it whatever happens."""
        container = None
        try:
            container = client.containers.create(**box.options(self._settings))
            socket = client.api.attach_socket(container.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
            stream = Stream(socket, box.job.limits.log_bytes, box.word)
            try:
                container.start()
                return self._follow(container, stream, box, stopped)
            finally:
                stream.close()
        except (DockerException, OSError) as error:
            reason = error.explanation if isinstance(error, APIError) and error.explanation else error
            raise SandboxError(f"docker could not run the script: {reason}") from error
        finally:
            if container is not None:
                _remove(container)

    def _follow(self, container: Any, stream: Stream, box: Box, stopped: Callable[[], bool]) -> Watched:
        limits = box.job.limits
        started = time.monotonic()
        next_look, next_disk, ending = started, started + DISK_PAUSE, None
        while not stream.ended and ending is None:
            stream.take(min(max(next_look - time.monotonic(), 0.0), LOOK_PAUSE))
            now = time.monotonic()
            if now >= started + limits.wall_seconds:
                ending = Ending(Outcome.TIMED_OUT, f"Killed after its time limit of {limits.wall_seconds:g} s.")
            elif max(stream.stdout.total, stream.stderr.total) > FLOOD_FACTOR * max(limits.log_bytes, 1 << 16):
                ending = Ending(Outcome.LIMIT, "Killed: it flooded its log.")
            elif now >= next_look:
                next_look = now + LOOK_PAUSE
                if stopped():
                    ending = Ending(Outcome.STOPPED, "Stopped on request.")
                elif now >= next_disk:
                    ending = _disk(box.job)
                    next_disk = time.monotonic() + max(DISK_PAUSE, 50 * (time.monotonic() - now))
        if ending is not None:
            self._end(container, stream)
        wall = time.monotonic() - started
        status = int(container.wait(timeout=30)["StatusCode"])
        return self._watched(stream, ending, wall, status, box)

    def _end(self, container: Any, stream: Stream) -> None:
        """Ask process 1 to end everything and to report; if it does not, the daemon ends it."""
        for number, patience in (("SIGTERM", self._settings.grace_seconds + END_PATIENCE), ("SIGKILL", END_PATIENCE)):
            with contextlib.suppress(APIError):  # it has ended meanwhile
                container.kill(signal=number)
            until = time.monotonic() + patience
            while not stream.ended and time.monotonic() < until:
                stream.take(0.05)
            if stream.ended:
                return

    def _watched(self, stream: Stream, ending: Ending | None, wall: float, status: int, box: Box) -> Watched:
        report = stream.report()
        if "failed" in report:
            raise SandboxError(f"docker could not start the script: {report['failed']}")
        memory = memory_of(box.job, self._settings)
        if ending is None and report.get("why") == "oom":
            ending = Ending(Outcome.OUT_OF_MEMORY, f"Killed: it wanted more memory than its limit of {memory >> 20:,} MB.")
        if ending is None and not report:
            if status != 137:
                said = stream.stderr.text().strip().rpartition("\n")[2]
                raise SandboxError(f"docker ended before the script did (status {status}): {said or 'it said nothing'}")
            ending = Ending(Outcome.OUT_OF_MEMORY, f"Killed with everything around it, most likely for its limit of {memory >> 20:,} MB.")
        return Watched(
            ending=ending, exit_code=report.get("status"), wall_seconds=float(report.get("wall", wall)),
            cpu_seconds=float(report.get("cpu", 0.0)), peak_memory_bytes=int(report.get("peak", 0)), stdout=stream.stdout,
            stderr=stream.stderr,
        )  # fmt: skip


def sweep(client: docker.DockerClient) -> int:
    """Remove the containers of orchestrators that died; returns how many."""
    swept = 0
    for container in client.containers.list(all=True, filters={"label": f"{LABEL}=docker"}, ignore_removed=True):
        if not is_alive(container.labels.get(OWNER, "")):
            _remove(container)
            swept += 1
    return swept


def _remove(container: Any) -> None:
    for _ in range(3):
        try:
            container.remove(force=True, v=True)
            return
        except NotFound:
            return
        except (DockerException, OSError) as error:
            log.warning("removing container %s failed: %s", container.short_id, error)
            time.sleep(0.2)


def _disk(job: ScriptJob) -> Ending | None:
    usage, most = measure(job.workspace), job.limits.workspace_bytes
    if usage.excessive:
        return Ending(Outcome.LIMIT, f"Killed: it wrote more than {usage.entries - 1:,} files.")
    if most and usage.size > most:
        return Ending(Outcome.LIMIT, f"Killed: its workspace holds {usage.size >> 20:,} MB, more than {most >> 20:,} MB.")
    return None
