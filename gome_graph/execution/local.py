"""The local executor: scripts as contained processes of this machine."""

import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gome_graph.errors import SandboxError
from gome_graph.execution import bubblewrap, launch, owner, selfcheck, workspace
from gome_graph.execution.judge import judge
from gome_graph.execution.launch import Way
from gome_graph.execution.limits import memory_limit
from gome_graph.execution.logs import log_tail
from gome_graph.execution.running import Running
from gome_graph.execution.settings import LocalSettings, Mechanism
from gome_graph.execution.watchdog import Watchdog, Watched
from gome_graph.records import Execution, Protections, ScriptJob

_BEST_FIRST = (Mechanism.BUBBLEWRAP, Mechanism.NAMESPACES, Mechanism.LANDLOCK, Mechanism.NONE)
CLOSE_SECONDS = 10.0
"""Patience with scripts that are asked to stop because the executor is closed."""


@dataclass(frozen=True)
class _Chosen:
    way: Way
    protections: Protections


class LocalExecutor:
    """Runs scripts on this machine behind the best walls it offers. Implements `gome_graph.hooks.Executor`; thread-safe.

    Parameters
    ----------
    settings
        Mechanism, readable paths, defaults.

    Raises
    ------
    SandboxError
        From `protections` and `run`, if the mechanism asked for does not work on this machine.
    """

    name = "local"

    def __init__(self, settings: LocalSettings | None = None) -> None:
        self._settings = settings or LocalSettings()
        self._lock = threading.Lock()
        self._chosen: _Chosen | None = None
        self._running = Running()

    def protections(self) -> Protections:
        """Which walls hold here: measured once by a script that tries to get out, then remembered."""
        return self._choose().protections

    def run(self, job: ScriptJob, stopped: Callable[[], bool] = lambda: False) -> Execution:
        """Run ``solution.py`` of the job's workspace; see `gome_graph.hooks.Executor.run`."""
        way = self._choose().way
        with self._running.one():
            return self._run(job, way, lambda: self._running.closing() or stopped())

    def close(self) -> None:
        """End every script that still runs (outcome ``stopped``) and wait until they are gone."""
        self._running.end(CLOSE_SECONDS)

    def _choose(self) -> _Chosen:
        with self._lock:
            if self._chosen is None:
                self._chosen = self._probe()
            return self._chosen

    def _probe(self) -> _Chosen:
        """Try the mechanisms, best first, with and without a uid of the script's own.

        Take the first in which all walls hold, else the one with most.
        """
        wanted = self._settings.mechanism
        mechanisms = _BEST_FIRST if wanted is Mechanism.AUTO else (wanted,)
        lends = [True, False] if owner.can_lend_uids() else [False]
        ways = [Way(mechanism, lend) for mechanism in mechanisms for lend in lends if not (lend and mechanism is Mechanism.NONE)]
        problems: dict[Mechanism, str] = {}
        best: tuple[Way, selfcheck.Check] | None = None
        for way in ways:
            found = self._check(way)
            if not found.works:
                problems[way.mechanism] = f"{found.problem}."
                continue
            if best is None or found.walls > best[1].walls:
                best = (way, found)
            if found.walls == 5:  # all of them
                break
        if best is None:
            raise SandboxError(
                f"No sandbox for scripts: {' '.join(problems.values())} Choose another mechanism, or 'none' to run without walls."
            )
        return _Chosen(
            best[0],
            selfcheck.describe(
                best[0].mechanism.value, best[1], [text for mechanism, text in problems.items() if mechanism is not best[0].mechanism]
            ),
        )

    def _check(self, way: Way) -> selfcheck.Check:
        if way.mechanism is Mechanism.BUBBLEWRAP and bubblewrap.program() is None:
            return selfcheck.Check(works=False, problem="bubblewrap does not work here: bwrap is not installed")
        try:
            return selfcheck.check(lambda job: self._run(job, way, self._running.closing))
        except SandboxError as error:
            return selfcheck.Check(works=False, problem=str(error).rstrip("."))

    def _run(self, job: ScriptJob, way: Way, stopped: Callable[[], bool]) -> Execution:
        job = job.model_copy(update={"workspace": job.workspace.absolute(), "input_dir": job.input_dir.absolute()})
        if not job.input_dir.is_dir():
            raise SandboxError(f"The input folder {job.input_dir} is missing.")
        uid = owner.borrow_uid() if way.lends_uid else None
        try:
            link = None if way.mechanism is Mechanism.BUBBLEWRAP else job.input_dir
            text = workspace.prepare(job.workspace, uid, link)
            try:
                watched = self._start(job, way, uid, stopped)
            finally:
                usage, refused = workspace.restore(job.workspace, text)
        finally:
            if uid is not None:
                owner.return_uid(uid)
        for name, log in (("stdout.log", watched.stdout), ("stderr.log", watched.stderr)):
            workspace.write_file(job.workspace / name, log.content())
        return judge(job, watched, usage, refused)

    def _start(self, job: ScriptJob, way: Way, uid: int | None, stopped: Callable[[], bool]) -> Watched:
        report, ready = os.pipe()
        descriptors: tuple[int, ...] = (ready,)
        try:
            order = launch.build(job, way, self._settings, uid, ready)
            descriptors = order.descriptors
            process = subprocess.Popen(
                order.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={}, cwd="/", pass_fds=descriptors, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            os.close(report)
            raise SandboxError(f"{way.mechanism.value} cannot be started: {error}.") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        try:
            os.set_blocking(report, False)
            watchdog = Watchdog(
                process, keepers=way.keepers, own_namespace=way.own_namespace, limits=job.limits,
                memory=memory_limit(job.limits, self._settings), grace=self._settings.grace_seconds, report=report,
            )  # fmt: skip
            watched = watchdog.watch(job.workspace, stopped)
        finally:
            os.close(report)
        if not watched.message.startswith("ready") and watched.ending is None:
            word, _, reason = watched.message.partition("\n")[0].partition(" ")
            if word != "failed":
                reason = log_tail("", watched.stderr.text()).rpartition("\n")[2] or f"status {watched.exit_code}"
            raise SandboxError(f"{way.mechanism.value} cannot be set up: {reason.rstrip('.')}.")
        return watched
