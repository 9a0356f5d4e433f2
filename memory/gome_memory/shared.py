"""A memory that several machines share: a Chroma server keeps the experiences, each client searches a mirror of its own.

What is written goes to the mirror first, which is durable, and to the server at once; while the server cannot be reached it waits in an
outbox, and the run goes on with what it knows. A recall first takes in what others have written. So the ranking is the one of the embedded
memory, to the digit, whatever the server's index would find, and a recall costs one small request more.
"""

import logging
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gome_graph.errors import RunError
from gome_graph.records import Experience, Momentum, RecallQuery
from gome_memory import hashing
from gome_memory.memory import MemoryConfig, SuccessMemory
from gome_memory.store import decode, encode

log = logging.getLogger("gome_memory")

ADDRESS = re.compile(r"chroma(?P<tls>\+https)?://(?P<host>[^/:]+)(?::(?P<port>\d{1,5}))?(?:/(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{0,50}))?/?")
DEFAULT_PORT = 8000
TOKEN_VARIABLE = "GOME_MEMORY_TOKEN"  # noqa: S105 - the name of a variable
"""Sent as a bearer token where it is set."""
OVERLAP = 120_000_000
"""Microseconds that a recall looks back beyond the newest row it knows: clocks of machines differ, and writes take a while. What that
misses, the number of rows gives away, and then all of them are looked through."""
PAGE = 1000
"""Rows in one request: about 1 MB."""
RETRY_SECONDS = 15.0
"""After a failure the server is left alone for so long."""


@dataclass(frozen=True)
class Address:
    """Where a shared memory is: ``chroma://host:port/name``."""

    host: str
    port: int
    tls: bool
    name: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """
        Raises
        ------
        RunError
            If it is no such address.
        """
        found = ADDRESS.fullmatch(text)
        if found is None or not 0 < int(found["port"] or DEFAULT_PORT) < 65536:
            raise RunError(f"{text!r} is no address of a shared memory; write chroma://host:port, or chroma://host:port/name")
        return cls(found["host"], int(found["port"] or DEFAULT_PORT), bool(found["tls"]), found["name"] or "default")

    def __str__(self) -> str:
        return f"chroma{'+https' if self.tls else ''}://{self.host}:{self.port}/{self.name}"


class SharedMemory:
    """Implements `gome_graph.hooks.Memory` on a Chroma server. Safe with several threads, processes and machines.

    Parameters
    ----------
    server
        ``chroma://host:port/name``; the name tells memories on one server apart.
    path
        Folder of the mirror; a run has its own.
    config
        How the mirror is searched.

    Raises
    ------
    RunError
        If no server answers at first. Later on it may go away and come back.
    """

    def __init__(self, server: str, path: Path, config: MemoryConfig | None = None) -> None:
        self.address = Address.parse(server)
        self.name = "chroma server"
        self._local = SuccessMemory(path, config)
        self._ledger = Ledger(path / "shared.sqlite", str(self.address))
        self._lock = threading.RLock()
        self._quiet_until = 0.0
        self.note = ""
        try:
            self._rows = _collection(self.address)
            self._rows.count()
        except Exception as error:
            self._local.close()
            self._ledger.close()
            raise RunError(f"no Chroma server answers at {self.address} ({_line(error)}); start one with: chroma run --path DIR") from error

    def remember(self, experience: Experience) -> None:
        """Store durably here, and on the server as soon as it can be reached. The same key twice replaces."""
        self.remember_all([experience])

    def remember_all(self, experiences: Iterable[Experience]) -> None:
        """Several at once."""
        given = list(experiences)
        with self._lock:
            self._ledger.expect([_key(item) for item in given])
            self._local.remember_all(given)
            self._with_server(self._push)

    def recall(self, query: RecallQuery) -> Momentum:
        """Take in what others have written, then rank; see `SuccessMemory.recall`."""
        self.sync()
        return self._local.recall(query)

    def sync(self) -> None:
        """Send what waits, and fetch what is new."""
        with self._lock:
            self._with_server(self._push)
            self._with_server(self._pull)

    def close(self) -> None:
        """Send what waits, and let go of the mirror."""
        with self._lock:
            self._quiet_until = 0.0
            self._with_server(self._push)
            self._ledger.close()
            self._local.close()

    # The wire

    def _with_server(self, act: Any) -> None:
        """Do it, or say once that the server is away and leave it alone for a while."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            act()
        except Exception as error:
            self._quiet_until = time.monotonic() + RETRY_SECONDS
            note = f"the shared memory {self.address} cannot be reached; what is written waits here ({self._ledger.waiting()} experiences)"
            if not self.note:
                log.warning("%s: %s", note, _line(error))
            self.note = note
            return
        self.note = self.note if self._ledger.waiting() else self._local.note

    def _push(self) -> None:
        keys = self._ledger.outbox()
        for start in range(0, len(keys), PAGE):
            found = [(key, item) for key in keys[start : start + PAGE] if (item := self._local.get(key)) is not None]
            stamp = time.time_ns() // 1000
            if found:
                self._rows.upsert(
                    ids=[key for key, _ in found],
                    embeddings=_vectors([item.hypothesis.text for _, item in found]),
                    documents=[encode(item) for _, item in found],
                    metadatas=[{"stamp": stamp, "success": item.success, "gain": _finite(item.gain_in_noise)} for _, item in found],
                )
            self._ledger.sent(keys[start : start + PAGE], {key: stamp for key, _ in found})

    def _pull(self) -> None:
        known = self._ledger.stamps()
        since = max(known.values(), default=0) - OVERLAP
        if known:
            self._fetch(self._newer(self._rows.get(where={"stamp": {"$gte": since}}, include=["metadatas"]), known))
        if self._rows.count() != self._ledger.count():
            self._look_through()

    def _look_through(self) -> None:
        known, offset = self._ledger.stamps(), 0
        while True:
            page = self._rows.get(limit=PAGE, offset=offset, include=["metadatas"])
            if not page["ids"]:
                return
            self._fetch(self._newer(page, known))
            offset += len(page["ids"])

    @staticmethod
    def _newer(rows: Any, known: dict[str, int]) -> list[str]:
        stamps = zip(rows["ids"], rows["metadatas"], strict=True)
        return [key for key, facts in stamps if int(facts["stamp"]) > known.get(key, -1)]

    def _fetch(self, keys: list[str]) -> None:
        waiting = set(self._ledger.outbox())  # our own newer word on a key wins
        keys = [key for key in keys if key not in waiting]
        for start in range(0, len(keys), PAGE):
            page = self._rows.get(ids=keys[start : start + PAGE], include=["documents", "metadatas"])
            self._local.remember_all([decode(text, self._local.path) for text in page["documents"]])
            stamps = zip(page["ids"], page["metadatas"], strict=True)
            self._ledger.received({key: int(facts["stamp"]) for key, facts in stamps})


class Ledger:
    """What the mirror has in common with the server: the stamp of each row, and what is still to be sent. SQLite, durable."""

    def __init__(self, path: Path, address: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        for statement in (
            "CREATE TABLE IF NOT EXISTS rows (address TEXT, key TEXT, stamp INTEGER NOT NULL, PRIMARY KEY (address, key)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS outbox (address TEXT, key TEXT, PRIMARY KEY (address, key)) WITHOUT ROWID",
        ):
            self._file.execute(statement)
        self._address = address

    def expect(self, keys: list[str]) -> None:
        """These are about to be written here, and must reach the server."""
        self._file.executemany("INSERT OR IGNORE INTO outbox VALUES (?, ?)", [(self._address, key) for key in keys])

    def outbox(self) -> list[str]:
        """Keys that the server has not yet confirmed."""
        return [key for (key,) in self._file.execute("SELECT key FROM outbox WHERE address = ? ORDER BY key", (self._address,))]

    def waiting(self) -> int:
        """How many that are."""
        return int(self._file.execute("SELECT count(*) FROM outbox WHERE address = ?", (self._address,)).fetchone()[0])

    def sent(self, keys: list[str], stamps: dict[str, int]) -> None:
        """The server has confirmed them."""
        self.received(stamps)
        self._file.executemany("DELETE FROM outbox WHERE address = ? AND key = ?", [(self._address, key) for key in keys])

    def received(self, stamps: dict[str, int]) -> None:
        """Rows that the mirror now has in this state."""
        rows = [(self._address, key, stamp) for key, stamp in stamps.items()]
        self._file.execute("BEGIN IMMEDIATE")
        self._file.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", rows)
        self._file.execute("COMMIT")

    def stamps(self) -> dict[str, int]:
        """Stamp by key."""
        return dict(self._file.execute("SELECT key, stamp FROM rows WHERE address = ?", (self._address,)))

    def count(self) -> int:
        """Rows of the server that the mirror knows."""
        return int(self._file.execute("SELECT count(*) FROM rows WHERE address = ?", (self._address,)).fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _collection(address: Address) -> Any:
    """The server's collection. chromadb is imported here: it takes a second."""
    import chromadb
    from chromadb.config import Settings

    token = os.environ.get(TOKEN_VARIABLE)
    client = chromadb.HttpClient(
        host=address.host, port=address.port, ssl=address.tls, headers={"Authorization": f"Bearer {token}"} if token else None,
        settings=Settings(anonymized_telemetry=False),
    )  # fmt: skip
    # Vectors are always given: without this Chroma would fetch a model from the network at the first row.
    return client.get_or_create_collection(f"gome-{address.name}", embedding_function=None, metadata={"hnsw:space": "cosine"})


def _vectors(texts: list[str]) -> Any:
    """Hashed words: enough for others to browse the server by, and no weights in the process of the run. The mirror has the real ones."""
    vectors = hashing.embed(texts)
    vectors[~vectors.any(axis=1), 0] = 1.0  # a text without words needs some direction
    return np.asarray(vectors, dtype=np.float32)


def _finite(value: float) -> float:
    return float(np.nan_to_num(value, nan=0.0, posinf=1e300, neginf=-1e300))


def _key(item: Experience) -> str:
    return item.key.encode("utf-8", "replace").decode("utf-8")


def _line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]
