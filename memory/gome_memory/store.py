"""The truth: every experience as one row of an SQLite database in WAL mode.

Several processes and threads may write at once. Each change takes the next sequence number inside its own write
transaction, so numbers become visible in order and a reader that has seen number n has missed nothing below it: that is
what the derived index catches up by. Forgetting marks a row; it can be restored.
"""

import hashlib
import json
import math
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gome_graph.errors import RunError
from gome_memory.errors import storage_error

if TYPE_CHECKING:
    from gome_graph.records import Experience

SCHEMA_VERSION = 1
FILE_NAME = "experiences.sqlite"
BUSY_SECONDS = 30.0
"""How long a writer waits for its turn; a turn takes milliseconds."""

NO_LESSON = frozenset({"stopped"})
"""Verdicts that say nothing about the hypothesis: kept as a record, never shown as momentum."""

_LIVE = "lesson AND forgotten_at IS NULL"

_SCHEMA = """
CREATE TABLE experiences (
    key TEXT PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    task TEXT NOT NULL,
    run TEXT NOT NULL,
    verdict TEXT NOT NULL,
    success INTEGER NOT NULL,
    lesson INTEGER NOT NULL,
    gain_in_noise REAL NOT NULL,
    text_id TEXT NOT NULL,
    text TEXT NOT NULL,
    record TEXT NOT NULL,
    written_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    forgotten_at TEXT
);
CREATE INDEX experiences_by_gain ON experiences (success, gain_in_noise DESC, key) WHERE lesson AND forgotten_at IS NULL;
CREATE INDEX experiences_by_text ON experiences (text_id, success, gain_in_noise DESC, key) WHERE lesson AND forgotten_at IS NULL;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Change:
    """One row as the index sees it."""

    seq: int
    text_id: str
    text: str
    """What is embedded."""
    success: bool
    live: bool
    """False: forgotten, or nothing to learn from."""


@dataclass(frozen=True)
class Facts:
    """What ranking needs of a row."""

    key: str
    text_id: str
    success: bool
    gain_in_noise: float


def text_id(text: str) -> str:
    """Name of a text in the index and in the cache of vectors: experiences of the same hypothesis share one vector."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


class Store:
    """One connection to the database of a memory directory, shared by the threads of this process.

    Parameters
    ----------
    directory : Path
        Memory directory; made if it is missing, unless `read_only`.
    read_only : bool
        Open without writing anything; works on a directory that cannot be written.

    Raises
    ------
    RunError
        If the directory holds no memory (`read_only`), cannot be written, or was written by a newer version.
    """

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self.directory = directory
        self.path = directory / FILE_NAME
        self._lock = threading.RLock()
        try:
            if read_only:
                self._connection = self._open_read_only()
            else:
                directory.mkdir(parents=True, exist_ok=True)
                self._connection = self._connect(str(self.path))
                self._prepare()
            self._check_version()
        except (OSError, sqlite3.Error) as error:
            raise storage_error(error, directory) from error
        row = self._connection.execute("SELECT value FROM facts WHERE name = 'store_id'").fetchone()
        self.store_id: str = row[0]
        """Tells this database from another one that stood at the same path before."""

    def _connect(self, target: str, *, uri: bool = False) -> sqlite3.Connection:
        # Autocommit: transactions are opened explicitly, as IMMEDIATE, so that two writers queue up instead of deadlocking.
        return sqlite3.connect(target, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)

    def _open_read_only(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise RunError(
                f"There is no memory in {self.directory} ({FILE_NAME} is missing); name a run with --run or a memory with --path."
            )
        address = self.path.resolve().as_uri()
        connection = self._connect(f"{address}?mode=ro", uri=True)
        try:
            connection.execute("SELECT count(*) FROM facts").fetchone()
        except sqlite3.OperationalError:
            # WAL needs a shared-memory file beside the database; where none can be made, nobody else can be writing either.
            connection.close()
            connection = self._connect(f"{address}?immutable=1", uri=True)
        return connection

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL syncs each commit: an experience survives a power cut too. One step a minute can afford one fsync.
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._version():
            return
        with self._writing():
            if not self._version():  # another process may have been first
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        self._connection.execute(statement)
                self._connection.execute("INSERT INTO facts VALUES ('store_id', ?)", (uuid.uuid4().hex,))
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _check_version(self) -> None:
        version = self._version()
        if version != SCHEMA_VERSION:
            raise RunError(
                f"The memory {self.directory} has schema {version}, this gome-memory reads {SCHEMA_VERSION}; "
                "export it with the gome-memory that wrote it and import the file here."
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _read(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        try:
            with self._lock:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise storage_error(error, self.directory) from error

    # Writing

    def write(self, experiences: Iterable["Experience"]) -> int:
        """Insert or replace by key, all in one transaction; returns the last sequence number. Durable once it returns."""
        rows = [_row(item) for item in experiences]
        try:
            with self._writing():
                seq = self._last_seq()
                for row in rows:
                    seq += 1
                    self._connection.execute(
                        "INSERT INTO experiences (seq, key, task, run, verdict, success, lesson, gain_in_noise, text_id, text, record)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                        " ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, task = excluded.task, run = excluded.run,"
                        " verdict = excluded.verdict, success = excluded.success, lesson = excluded.lesson,"
                        " gain_in_noise = excluded.gain_in_noise, text_id = excluded.text_id, text = excluded.text,"
                        " record = excluded.record, written_at = excluded.written_at, forgotten_at = NULL",
                        (seq, *row),
                    )
        except sqlite3.Error as error:
            raise storage_error(error, self.directory) from error
        return seq

    def forget(self, key: str) -> bool:
        """Hide an experience; False if it is not there. `restore` brings it back."""
        return self._mark(key, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", "IS NULL")

    def restore(self, key: str) -> bool:
        """Undo `forget`; False if no forgotten experience has this key."""
        return self._mark(key, "NULL", "IS NOT NULL")

    def _mark(self, key: str, value: str, condition: str) -> bool:
        try:
            with self._writing():
                done = self._connection.execute(
                    f"UPDATE experiences SET forgotten_at = {value}, seq = ? WHERE key = ? AND forgotten_at {condition}",  # noqa: S608
                    (self._last_seq() + 1, key),
                )
        except sqlite3.Error as error:
            raise storage_error(error, self.directory) from error
        return done.rowcount > 0

    # Reading

    def _last_seq(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM experiences").fetchone()[0])

    def last_seq(self) -> int:
        """The number of the latest change; 0 for an empty memory."""
        return int(str(self._read("SELECT coalesce(max(seq), 0) FROM experiences")[0][0]))

    def count(self) -> int:
        """How many experiences can be recalled."""
        return int(str(self._read(f"SELECT count(*) FROM experiences WHERE {_LIVE}")[0][0]))  # noqa: S608

    def changes(self, since: int, limit: int) -> list[Change]:
        """The next `limit` changes after sequence number `since`, in order; each row appears once, in its latest state."""
        rows = self._read(
            f"SELECT seq, text_id, text, success, {_LIVE} FROM experiences WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
            (since, limit),
        )
        return [Change(int(str(seq)), str(name), str(text), bool(success), bool(live)) for seq, name, text, success, live in rows]

    def news(self, since: int) -> "tuple[int, list[Experience], list[str]]":
        """(last sequence number, experiences written after `since`, keys forgotten after it)."""
        rows = self._read(f"SELECT seq, key, {_LIVE}, record FROM experiences WHERE seq > ? ORDER BY seq", (since,))  # noqa: S608
        last = int(str(rows[-1][0])) if rows else since
        written = [decode(str(record), self.directory) for _, _, live, record in rows if live]
        return last, written, [str(key) for _, key, live, _ in rows if not live]

    def texts(self, text_ids: Sequence[str]) -> dict[str, str]:
        """Texts of live experiences by their name; others are left out."""
        if not text_ids:
            return {}
        rows = self._read(
            f"SELECT text_id, min(text) FROM experiences WHERE {_LIVE} AND text_id IN ({', '.join('?' * len(text_ids))})"  # noqa: S608
            " GROUP BY text_id",
            text_ids,
        )
        return {str(name): str(text) for name, text in rows}

    def best_of_texts(self, names: Sequence[str], limit: int) -> dict[str, list[Facts]]:
        """Successes of each hypothesis text, largest gain first, ties by key, at most `limit` of each; texts without any are left out."""
        return self._of_texts(names, "success = 1", "gain_in_noise DESC, key", limit)

    def worst_of_texts(self, names: Sequence[str]) -> dict[str, list[Facts]]:
        """The clearest failure of each hypothesis text, ties by key: one is enough to warn of it. Texts that never failed are left out."""
        return self._of_texts(names, "success = 0", "gain_in_noise, key", 1)

    def _of_texts(self, names: Sequence[str], condition: str, order: str, limit: int) -> dict[str, list[Facts]]:
        found: dict[str, list[Facts]] = {}
        if names:
            rows = self._read(
                "SELECT key, text_id, success, gain_in_noise FROM (SELECT key, text_id, success, gain_in_noise,"  # noqa: S608
                f" row_number() OVER (PARTITION BY text_id ORDER BY {order}) AS place FROM experiences"
                f" WHERE {_LIVE} AND {condition} AND text_id IN ({', '.join('?' * len(names))}))"
                " WHERE place <= ? ORDER BY text_id, place",
                (*names, limit),
            )
            for row in rows:
                found.setdefault(str(row[1]), []).append(_facts(row))
        return found

    def highest_gains(self, limit: int) -> list[Facts]:
        """The successes with the largest gain in noise units, ties by key."""
        return self._facts("success = 1 ORDER BY gain_in_noise DESC, key LIMIT ?", (limit,))

    def has_live(self, name: str, success: bool) -> bool:
        """Is there an experience to recall with this text and outcome?"""
        return bool(self._facts("text_id = ? AND success = ? LIMIT 1", (name, int(success))))

    def _facts(self, condition: str, values: Sequence[object]) -> list[Facts]:
        rows = self._read(f"SELECT key, text_id, success, gain_in_noise FROM experiences WHERE {_LIVE} AND {condition}", values)  # noqa: S608
        return [_facts(row) for row in rows]

    def get(self, key: str, *, forgotten: bool = False) -> "Experience | None":
        """The experience with this key, or None; with `forgotten`, also one that was forgotten."""
        hidden = "" if forgotten else " AND forgotten_at IS NULL"
        rows = self._read("SELECT record FROM experiences WHERE key = ?" + hidden, (key,))  # noqa: S608
        return decode(str(rows[0][0]), self.directory) if rows else None

    def select(
        self, *, task: str | None = None, verdict: str | None = None, top: int | None = None, forgotten: bool = False
    ) -> "list[Experience]":
        """Experiences by descending gain in noise units, ties by key; `forgotten` selects the hidden ones instead."""
        rows = self._read(
            "SELECT record FROM experiences WHERE (? IS NULL OR task = ?) AND (? IS NULL OR verdict = ?)"
            " AND (forgotten_at IS NOT NULL) = ? ORDER BY gain_in_noise DESC, key LIMIT ?",
            (task, task, verdict, verdict, int(forgotten), -1 if top is None else top),
        )
        return [decode(str(record), self.directory) for (record,) in rows]

    def browse(self, *, text: str, verdict: str | None, offset: int, limit: int) -> "tuple[int, list[Experience]]":
        """How many experiences hold `text` in hypothesis, task or key, and `limit` of them from `offset` on, as `select` orders them."""
        escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        condition = (
            r"(? = '' OR text LIKE ? ESCAPE '\' OR task LIKE ? ESCAPE '\' OR key LIKE ? ESCAPE '\')"
            " AND (? IS NULL OR verdict = ?) AND forgotten_at IS NULL"
        )
        like = f"%{escaped}%"
        values = (text, like, like, like, verdict, verdict)
        count = self._read(f"SELECT count(*) FROM experiences WHERE {condition}", values)[0][0]  # noqa: S608
        rows = self._read(
            f"SELECT record FROM experiences WHERE {condition} ORDER BY gain_in_noise DESC, key LIMIT ? OFFSET ?",  # noqa: S608
            (*values, limit, offset),
        )
        return int(str(count)), [decode(str(record), self.directory) for (record,) in rows]

    def close(self) -> None:
        """Close the connection; the last one out folds the write-ahead log into the database."""
        with self._lock:
            self._connection.close()


def _row(item: "Experience") -> tuple[object, ...]:
    gain = 0.0 if math.isnan(item.gain_in_noise) else item.gain_in_noise
    lesson = item.verdict.value not in NO_LESSON
    # ASCII JSON: lone surrogates, which models do emit, survive as escapes instead of failing to encode.
    text = _printable(item.hypothesis.text)
    return (
        _printable(item.key),
        _printable(item.task),
        _printable(item.run),
        item.verdict.value,
        item.success,
        lesson,
        gain,
        text_id(text),
        text,
        encode(item),
    )


def _facts(row: tuple[object, ...]) -> Facts:
    key, name, success, gain = row
    return Facts(str(key), str(name), bool(success), float(str(gain)))


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def encode(item: "Experience") -> str:
    """One line of JSON."""
    return json.dumps(item.model_dump(mode="python"), default=str)


def decode(text: str, directory: Path) -> "Experience":
    """The experience of one line of JSON; `RunError` if this version cannot read it."""
    from pydantic import ValidationError

    from gome_graph.records import Experience

    try:
        return Experience.model_validate(json.loads(text))
    except (ValidationError, ValueError) as error:
        raise RunError(
            f"The memory {directory} holds an experience that this gome cannot read ({str(error).splitlines()[0]}); "
            "use the gome that wrote it."
        ) from error
