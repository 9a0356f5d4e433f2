"""The other end: asks the index service, and starts it when it is not there."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from gome_graph.support.secrets import without_secrets
from gome_memory import wire
from gome_memory.errors import IndexBehind, IndexUnavailable
from gome_memory.neighbours import Neighbours
from gome_memory.service import BUSY_EXIT, IDLE_SECONDS

START_SECONDS = 60.0
"""To wait for a service to come up; it takes 2 s on an idle machine."""

ANSWER_SECONDS = 120.0
"""To wait for an answer. A service that has much to read says so in between, so this is for one that hangs."""

CATCH_UP_SECONDS = 60.0
"""For a recall to wait while the index reads what was written: some 5,000 new hypotheses on an idle core."""

_TRIES = 3
_unreaped: list[subprocess.Popen[bytes]] = []
"""Services started here that outlive their client: kept so that none is left a zombie."""


class Starter:
    """Starts the service of an index directory, at most one at a time from this process. Thread-safe."""

    def __init__(self, memory: Path, embedding: str, idle_seconds: float) -> None:
        self.memory = memory.absolute()
        self.embedding = embedding
        self.directory = wire.index_directory(self.memory, embedding)
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Start one unless the one started here is still alive; `IndexUnavailable` if it failed."""
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                return
            if self._child is not None and self._child.returncode not in (0, BUSY_EXIT) and self._child.returncode > 0:
                code, self._child = self._child.returncode, None
                raise IndexUnavailable(f"The index service could not start (exit code {code}): {self._last_words()}")
            self._child = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        # -P: nothing is imported from the working directory. One thread: the service is an aside, not the job.
        command = [sys.executable, "-P", "-m", "gome_memory.service", str(self.memory), "--embedding", self.embedding]
        command += ["--idle", str(self._idle_seconds)]
        environment = {
            **without_secrets(dict(os.environ)),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        try:
            with (self.directory / "service.log").open("ab") as log:
                return subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True, cwd="/"
                )
        except OSError as error:
            raise IndexUnavailable(f"The index service could not start: {error}") from error

    def _last_words(self) -> str:
        try:
            lines = (self.directory / "service.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "it said nothing"

    def close(self) -> None:
        """Reap what has ended."""
        with self._lock:
            if self._child is not None:
                _unreaped.append(self._child)
                self._child = None
            _unreaped[:] = [child for child in _unreaped if child.poll() is None]


class Connection:
    """One line to the service of an index directory. Not thread-safe."""

    def __init__(self, starter: Starter) -> None:
        self._starter = starter
        self._directory = starter.directory
        self._socket: socket.socket | None = None

    def ask(self, operation: str, **values: Any) -> dict[str, Any]:
        """Send one question and return the answer; starts the service if need be, again if it died in between.

        Raises
        ------
        IndexUnavailable
            If it cannot start, does not answer in time, or answers that something is wrong.
        """
        problem: Exception = TimeoutError()
        for _ in range(_TRIES):
            key = wire.index_key(self._directory)
            connection = self._connected()
            try:
                wire.send(connection, {"v": wire.PROTOCOL, "key": key, "op": operation, **values})
                answer = wire.receive(connection)
            except TimeoutError as error:
                self._hang_up()
                raise IndexUnavailable(f"The index service did not answer within {ANSWER_SECONDS:.0f} s.") from error
            except (OSError, EOFError, ValueError) as error:
                problem = error
                self._hang_up()
                continue
            if "refused" in answer:  # the service of a directory that stood here before; it is about to notice
                problem = PermissionError(answer["refused"])
                self._hang_up()
                time.sleep(1.0)
                continue
            if "error" in answer:
                raise IndexUnavailable(str(answer["error"]))
            return answer
        raise IndexUnavailable(
            f"The index service ended {_TRIES} times without an answer ({problem!r}); see {self._directory / 'service.log'}."
        )

    def close(self) -> None:
        """Say goodbye: the service ends when nobody else is connected. Does not start one."""
        if self._socket is not None:
            try:
                self._socket.settimeout(1.0)
                wire.send(self._socket, {"v": wire.PROTOCOL, "key": wire.index_key(self._directory), "op": "bye"})
                wire.receive(self._socket)
            except (OSError, EOFError, ValueError, IndexUnavailable):
                pass
            self._hang_up()

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        path = wire.socket_path(self._directory)
        deadline = time.monotonic() + START_SECONDS
        pause = 0.02
        while True:
            if (connection := self._dial(path)) is not None:
                self._socket = connection
                return connection
            self._starter.ensure()
            if time.monotonic() > deadline:
                raise IndexUnavailable(
                    f"The index service did not come up within {START_SECONDS:.0f} s; see {self._directory / 'service.log'}."
                )
            time.sleep(pause)
            pause = min(0.2, pause * 1.5)

    def _dial(self, path: Path) -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(path))
        except OSError:  # not there, or its owner was killed
            connection.close()
            return None
        if not wire.same_user(connection):
            connection.close()
            raise IndexUnavailable(f"Another user answers on {path}.")
        return connection


class ServiceIndex:
    """The index behind the service, as `neighbours.Index`. Thread-safe; `notify` never waits."""

    def __init__(self, memory: Path, embedding: str, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._starter = Starter(memory, embedding, idle_seconds)
        self._questions = Connection(self._starter)
        self._notices = Connection(self._starter)
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._closing = False
        self._notifier: threading.Thread | None = None
        self.note = ""
        """What the service had to mend, said once."""

    def nearest(self, texts: list[str], *, successes: int, failures: int, extra: list[str], seq: int) -> Neighbours:
        """See `neighbours.Index`; `IndexUnavailable` if there is no answer to be had."""
        end = time.monotonic() + CATCH_UP_SECONDS
        while True:
            answer = self.ask("nearest", texts=texts, successes=successes, failures=failures, extra=extra, seq=seq)
            if "behind" not in answer:
                break
            if time.monotonic() > end:
                raise IndexBehind(f"The memory's index still has {answer['behind']} changes to read.")
        return Neighbours(
            {name: tuple(row) for name, row in answer["successes"].items()}, {name: tuple(row) for name, row in answer["failures"].items()}
        )

    def ask(self, operation: str, **values: Any) -> dict[str, Any]:
        """One question of any kind (``status``, ``rebuild``)."""
        with self._lock:
            answer = self._questions.ask(operation, **values)
        self.note = answer.get("note") or self.note
        return answer

    def notify(self) -> None:
        """Tell the service, from another thread, that the store has changed."""
        if self._notifier is None:
            with self._lock:
                if self._notifier is None and not self._closing:
                    self._notifier = threading.Thread(target=self._pass_on, name="gome-memory-notifier", daemon=True)
                    self._notifier.start()
        self._news.set()

    def _pass_on(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            if self._closing:
                return
            try:
                self._notices.ask("catch_up")
            except IndexUnavailable:
                return  # the next recall meets the same trouble, and says so

    def close(self) -> None:
        self._closing = True
        self._news.set()
        if self._notifier is not None:
            self._notifier.join(timeout=2.0)
            if self._notifier.is_alive():
                return  # still starting a service, which ends by itself
        self._notices.close()
        with self._lock:
            self._questions.close()
        self._starter.close()
