"""The bank: incidents, samples, verdicts, disputes and overrides in SQLite; every change is in the audit trail.

A bank is a directory. ``bank.sqlite`` holds what curation, training and the gate use; samples of the sealed part are in
``sealed.sqlite`` (mode 0600), which is opened only by the one who makes the final claim.
Each change and its event are one transaction, so that
kill -9 leaves both or none; each event carries the hash of the one before it, so that a trail that was tampered with shows.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gome_graph.errors import RunError, TaskError
from gome_graph.records import Record
from gome_guard.migrations import MIGRATIONS
from gome_guard.records import Feedback, Incident, Part, RPSample, Status, content_id

FILE_NAME, SEALED_NAME = "bank.sqlite", "sealed.sqlite"
BUSY_SECONDS = 30.0
"""How long a writer waits for its turn; a turn takes milliseconds."""
GENESIS = "0" * 16


class AuditEvent(Record):
    """One change of the bank."""

    seq: int
    at: str
    kind: str
    key: str
    detail: dict[str, Any]
    before: str
    """Hash of the event before it."""
    hash: str


class Bank:
    """An open bank. Safe to use from several processes; one object for one thread."""

    def __init__(self, root: Path, *, create: bool = False, sealed: bool = False) -> None:
        """Open the bank in the directory `root`, or make it; `sealed` opens the sealed part instead of the common one.

        Raises
        ------
        RunError
            If there is none, or it cannot be used.
        """
        self.root = root
        path = root / (SEALED_NAME if sealed else FILE_NAME)
        if not path.is_file():
            if not create:
                raise RunError(f"There is no bank in {root} ({path.name} is missing); make one with: gome guard ingest --bank {root} …")
            root.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            if sealed:
                path.chmod(0o600)
            migrate(self._db, path)
        except sqlite3.Error as error:
            raise RunError(f"The bank {path} cannot be used ({error}); restore a copy, or choose another --bank.") from error

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> "Bank":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _note(self, kind: str, key: str, detail: dict[str, Any]) -> None:
        """Append to the trail; only inside `_write`."""
        last = self._db.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone() or (0, GENESIS)
        at = datetime.now(UTC).isoformat()
        text = json.dumps(detail, sort_keys=True, ensure_ascii=False)
        digest = content_id(last[0] + 1, at, kind, key, text, last[1])
        self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (last[0] + 1, at, kind, key, text, last[1], digest))

    def events(self) -> list[AuditEvent]:
        """The whole trail, oldest first."""
        rows = self._db.execute("SELECT seq, at, kind, key, detail, before, hash FROM events ORDER BY seq")
        return [AuditEvent(seq=r[0], at=r[1], kind=r[2], key=r[3], detail=json.loads(r[4]), before=r[5], hash=r[6]) for r in rows]

    def verify(self) -> None:
        """Raise `RunError` at the first event that was changed, removed or put in between."""
        before = GENESIS
        for number, event in enumerate(self.events(), 1):
            text = json.dumps(event.detail, sort_keys=True, ensure_ascii=False)
            digest = content_id(event.seq, event.at, event.kind, event.key, text, before)
            if event.seq != number or event.before != before or event.hash != digest:
                raise RunError(f"The audit trail of {self.root} is broken at event {event.seq}; restore a copy of the bank.")
            before = event.hash

    def _insert(self, table: str, rows: Iterable[tuple[str, str]], kind: str) -> int:
        """Insert (id, record) pairs that are not there; the same id with another record is an error. Returns how many were new."""
        new = 0
        with self._write() as db:
            for key, record in rows:
                old = db.execute(f"SELECT record FROM {table} WHERE id = ?", (key,)).fetchone()  # noqa: S608 - names are ours
                if old is not None:
                    if old[0] != record:
                        raise TaskError(f"{kind} {key!r} is in the bank already with other content; give the new one another id.")
                    continue
                db.execute(f"INSERT INTO {table} (id, record) VALUES (?, ?)", (key, record))  # noqa: S608
                new += 1
                if kind != "feedback":
                    self._note(f"{kind}_added", key, {})
            if new and kind == "feedback":
                self._note("feedback_added", "", {"rows": new})
        return new

    def add_feedback(self, rows: Sequence[Feedback]) -> int:
        """Store logged decisions, all or none; the same ones again change nothing. Returns how many were new."""
        return self._insert("feedback", ((row.id, row.model_dump_json()) for row in rows), "feedback")

    def add_incidents(self, rows: Sequence[Incident]) -> int:
        """Store incidents, all or none; the same ones again change nothing. Returns how many were new."""
        return self._insert("incidents", ((row.id, row.model_dump_json()) for row in rows), "incident")

    def feedback(self) -> list[Feedback]:
        """All logged decisions, by time and id."""
        found = [Feedback.model_validate_json(r[0]) for r in self._db.execute("SELECT record FROM feedback ORDER BY rowid")]
        return sorted(found, key=lambda row: (row.at, row.id))

    def incidents(self) -> list[Incident]:
        """All incidents, in the order of their arrival."""
        return [Incident.model_validate_json(r[0]) for r in self._db.execute("SELECT record FROM incidents ORDER BY rowid")]

    def put_samples(self, samples: Sequence[RPSample], kind: str = "sample_put") -> int:
        """Insert or change samples; unchanged ones leave no trace. Sealed samples are refused: they have a database of their own."""
        changed = 0
        with self._write() as db:
            for sample in samples:
                record = sample.model_dump_json()
                old = db.execute("SELECT record FROM samples WHERE id = ?", (sample.id,)).fetchone()
                if old is not None and old[0] == record:
                    continue
                db.execute(
                    "INSERT INTO samples (id, part, status, cluster, record) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                    "part = excluded.part, status = excluded.status, cluster = excluded.cluster, record = excluded.record",
                    (sample.id, sample.part.value, sample.status.value, sample.cluster, record),
                )
                before = {} if old is None else _changes(json.loads(old[0]), json.loads(record))
                self._note(kind if old is not None else "sample_added", sample.id, before)
                changed += 1
        return changed

    def samples(self, part: Part | None = None, status: Status | None = None) -> list[RPSample]:
        """Samples by part and status, in the order of their ids."""
        rows = self._db.execute(
            "SELECT record FROM samples WHERE (? IS NULL OR part = ?) AND (? IS NULL OR status = ?) ORDER BY id",
            (part, part, status, status),
        )
        return [RPSample.model_validate_json(r[0]) for r in rows]

    def sample(self, key: str) -> RPSample:
        """One sample; `TaskError` if there is none of that id."""
        row = self._db.execute("SELECT record FROM samples WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise TaskError(f"There is no sample {key!r} in {self.root}; `gome guard disputes` lists those that need you.")
        return RPSample.model_validate_json(row[0])

    def set_status(self, keys: Sequence[str], status: Status, reason: str, by: str = "") -> None:
        """Change what samples count for; who and why go into the trail."""
        with self._write() as db:
            for key in keys:
                sample = self.sample(key)
                if sample.status is status:
                    continue
                db.execute(
                    "UPDATE samples SET status = ?, record = ? WHERE id = ?",
                    (status.value, sample.model_copy(update={"status": status}).model_dump_json(), key),
                )
                self._note(f"sample_{status.value}", key, {"reason": reason, "by": by, "before": sample.status.value})

    def put_record(self, key: str, record: str, kind: str, detail: dict[str, Any]) -> bool:
        """Insert or change a case (see `gome_guard.agent`); False if it is there as it is."""
        with self._write() as db:
            old = db.execute("SELECT record FROM cases WHERE id = ?", (key,)).fetchone()
            if old is not None and old[0] == record:
                return False
            db.execute(
                "INSERT INTO cases (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record", (key, record)
            )
            self._note(kind, key, detail)
        return True

    def records(self) -> list[str]:
        """All cases as JSON, in the order of their arrival."""
        return [row[0] for row in self._db.execute("SELECT record FROM cases ORDER BY rowid")]

    def add_verdict(self, key: str, record: str) -> bool:
        """Keep a verdict by its content; False if it is there already."""
        return self._insert("verdicts", [(key, record)], "verdict") == 1

    def verdicts(self) -> list[str]:
        """The kept verdicts as JSON, oldest first."""
        return [row[0] for row in self._db.execute("SELECT record FROM verdicts ORDER BY rowid")]

    def count(self, table: str) -> int:
        """Rows of feedback, incidents, samples, verdicts or events."""
        if table not in ("feedback", "incidents", "samples", "verdicts", "events"):
            raise ValueError(table)
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def _changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {name: [old.get(name), new[name]] for name in new if old.get(name) != new[name] and name not in ("features", "text")}


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a database to the newest schema, one version at a time, each in a transaction.

    Raises
    ------
    RunError
        If it was written by a newer version of gome-guard.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise RunError(f"The bank {path} has schema {version}, this gome-guard knows {len(MIGRATIONS)}; update gome-guard.")
    if version == len(MIGRATIONS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()  # another process may have been faster
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            for statement in statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
