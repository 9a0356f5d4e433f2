"""The index service: the one process that owns Chroma for a memory directory. ``python -m gome_memory.service DIR --embedding NAME``.

Started by whoever needs it first, found by the others through its socket. It reads the store by sequence number, so it may
be killed at any time: the next one catches up. It ends by itself when its last client has gone, when nobody has asked for
a long time, and when its directory vanishes.
"""

import argparse
import ctypes
import fcntl
import hmac
import logging
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from gome_memory import wire

if TYPE_CHECKING:
    from gome_memory.chroma import ChromaIndex
    from gome_memory.store import Store

log = logging.getLogger("gome_memory.service")

BUSY_EXIT = 75
"""Exit code when another service owns the directory (EX_TEMPFAIL)."""

IDLE_SECONDS = 3.0
"""It ends this long after its last client has gone without a word (killed)."""

SILENT_SECONDS = 900.0
"""It ends after this long without a question, clients or not; they start another one when they need it."""

PATIENCE_SECONDS = 5.0
"""It reads on for this long before it tells a client that it is behind."""

CLIENT_SECONDS = 5.0
"""A client gets this long to finish a message: it is written in one go, on the same machine."""


def take_lock(index: Path) -> TextIO | None:
    """The lock of an index directory, held until the process ends however it ends; None if another process has it."""
    file = (index / "lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def memory_used() -> int:
    """Resident bytes of this process."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def give_back_memory() -> None:
    """Return freed pages to the system: reading the weights leaves 60 MB of them behind (glibc only)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Service:
    """One loop, one thread: Chroma is asked by nobody else."""

    def __init__(self, memory: Path, embedding: str, listener: socket.socket, idle_seconds: float) -> None:
        self._memory = memory
        self._directory = wire.index_directory(memory, embedding)
        self._embedding = embedding
        self._listener = listener
        self._idle_seconds = idle_seconds
        self._key = wire.index_key(self._directory)
        self._identity = self._directory.stat().st_ino
        self._selector = selectors.DefaultSelector()
        self._index: ChromaIndex | None = None
        self._store: Store | None = None
        self._broken = ""
        self._behind = True
        self._clients: set[socket.socket] = set()
        self._last_question = self._last_client = time.monotonic()

    def start_index(self) -> None:
        """Import what is heavy and open the index; a failure becomes the answer to every question."""
        try:
            from gome_memory.chroma import ChromaIndex
            from gome_memory.embedding import CachedEmbedding, load
            from gome_memory.store import FILE_NAME, Store

            embedding = CachedEmbedding(self._embedding, load(self._embedding), self._directory / "vectors.sqlite")
            if not (self._memory / FILE_NAME).is_file():
                raise FileNotFoundError(f"{self._memory} holds no memory")
            self._store = Store(self._memory)
            self._index = ChromaIndex(self._directory, self._store, embedding)
            give_back_memory()
        except Exception as error:
            log.exception("the index cannot start")
            self._broken = f"{error}" or type(error).__name__

    def serve(self) -> None:
        """Answer until there is no reason to go on."""
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.start_index()
        self._last_question = self._last_client = time.monotonic()  # clients have been waiting to be let in meanwhile
        while not self._finished():
            ready = self._selector.select(0 if self._behind and not self._broken else min(1.0, self._idle_seconds))
            for key, _ in ready:
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    self._answer(key.fileobj)
            if self._behind and not ready:
                self._catch_up()
        if self._store is not None:
            self._store.close()

    def _finished(self) -> bool:
        now = time.monotonic()
        try:
            gone = self._directory.stat().st_ino != self._identity
        except OSError:
            gone = True
        lonely = not self._clients and now - self._last_client > self._idle_seconds
        return gone or lonely or now - self._last_question > SILENT_SECONDS

    def _catch_up(self) -> None:
        if self._index is None:
            return
        try:
            self._behind = self._index.catch_up_some()
            self._last_question = time.monotonic() if self._behind else self._last_question
        except Exception as error:
            log.exception("the index cannot read the store")
            self._broken = str(error)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if not wire.same_user(client):
            client.close()
            return
        client.settimeout(CLIENT_SECONDS)
        self._clients.add(client)
        self._selector.register(client, selectors.EVENT_READ)

    def _drop(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        self._clients.discard(client)
        client.close()
        self._last_client = time.monotonic()

    def _answer(self, client: socket.socket) -> None:
        try:
            question = wire.receive(client)
            if not hmac.compare_digest(str(question.get("key", "")), self._key):
                wire.send(client, {"refused": "wrong key"})
                self._drop(client)
                return
            self._last_question = time.monotonic()
            wire.send(client, self._reply(question))
        except (OSError, EOFError, ValueError):
            self._drop(client)
            return
        if question.get("op") == "bye":
            self._drop(client)
            if not self._clients:
                self._last_client = -1e9  # said goodbye: no need to wait for it to come back

    def _reply(self, question: dict[str, Any]) -> dict[str, Any]:
        operation = question.get("op")
        if question.get("v") != wire.PROTOCOL:
            return {"error": f"the running index service speaks protocol {wire.PROTOCOL}; it ends when its clients do"}
        if operation in ("bye", "catch_up"):
            self._behind = True
            return {"ok": True}
        if self._broken or self._index is None:
            return {"error": self._broken}
        try:
            return {**self._do(self._index, operation, question), "note": self._said_once()}
        except Exception as error:
            log.exception("a question failed")
            return {"error": f"{error}" or type(error).__name__}

    def _do(self, index: "ChromaIndex", operation: object, question: dict[str, Any]) -> dict[str, Any]:
        if operation == "rebuild":
            index.rebuild()
        left = index.catch_up(int(question["seq"]), PATIENCE_SECONDS)
        if left and operation == "nearest":
            self._behind = True
            return {"behind": left}
        if operation == "nearest":
            found = index.nearest(
                list(question["texts"]),
                successes=int(question["successes"]),
                failures=int(question["failures"]),
                extra=list(question["extra"]),
                seq=int(question["seq"]),
            )
            return {"successes": found.successes, "failures": found.failures}
        if operation in ("rebuild", "status"):
            self._behind = left > 0
            return {
                "behind": left,
                "pid": os.getpid(),
                "memory_bytes": memory_used(),
                "seq": index.seq,
                "count": index.count(),
                "cpu_seconds": time.process_time(),
            }
        return {"error": f"unknown operation {operation!r}"}

    def _said_once(self) -> str:
        note = self._index.note if self._index else ""
        if self._index:
            self._index.note = ""
        return note


def main() -> None:
    """Take the lock, open the socket, serve."""
    parser = argparse.ArgumentParser(prog="python -m gome_memory.service", description=__doc__)
    parser.add_argument("memory", type=Path, help="memory directory")
    parser.add_argument("--embedding", default="minilm")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="seconds to go on after the last client has gone")
    options = parser.parse_args()
    directory = wire.index_directory(options.memory, options.embedding)
    lock = take_lock(directory)
    if lock is None:
        sys.exit(BUSY_EXIT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's business
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    path = wire.socket_path(directory)
    path.unlink(missing_ok=True)  # whoever made it no longer holds the lock
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(64)
    try:
        Service(options.memory, options.embedding, listener, options.idle).serve()
    finally:
        path.unlink(missing_ok=True)
        logging.shutdown()
        # Skip the tear-down of Chroma's threads: what it has acknowledged is on disk.
        os._exit(0)


if __name__ == "__main__":
    main()
