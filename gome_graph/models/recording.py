"""A run's requests and replies as JSON lines: what ``--record`` writes, ``replay:FILE`` plays back, and a resumed run remembers.

The first line says which models the run had; each further one is a request of a backend with its reply or its failure. Lines are found
again by the request's key, so a replay needs no clock and no network, and the order in which traces asked does not matter.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from gome_graph.errors import TaskError
from gome_graph.models.backend import Failure, FailureKind, Reply, Request
from gome_graph.models.contracts import Role
from gome_graph.records import Record, Seconds
from gome_graph.support.secrets import redact

RECORD_VERSION = 1
RECORD_NAME = "models.jsonl"
"""Within a run directory."""


class Header(Record):
    """The first line: how the recorded run had chosen its models."""

    v: int = RECORD_VERSION
    kind: Literal["gome-models"] = "gome-models"
    models: list[str]
    """As written after ``--model``."""
    fallback: list[str] = []
    max_cost: float | None = None
    max_tokens: int | None = None


class Exchange(Record):
    """One request and what came of it."""

    key: str
    role: Role
    trace: int
    step: int
    template: str
    schema_name: str
    prompt_sha256: str
    """Of system and turns."""
    system: str
    turns: list[tuple[str, str]]
    """(speaker, text); the last one asks."""
    model: str
    """``provider:model`` that was asked."""
    text: str | None = None
    """The reply; None if there was none."""
    failure: FailureKind | None = None
    detail: str = ""
    retry_after: Seconds | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    seconds: Seconds = 0.0

    def outcome(self) -> Reply:
        """The reply, or the failure raised."""
        if self.failure is not None or self.text is None:
            raise Failure(
                self.failure or FailureKind.BROKEN, self.detail, retry_after=self.retry_after, tokens_in=self.tokens_in,
                tokens_out=self.tokens_out, cost=self.cost,
            )  # fmt: skip
        return Reply(
            self.text, self.tokens_in, self.tokens_out, seconds=self.seconds, cost=self.cost, model=self.model
        )  # fmt: skip


def prompt_digest(request: Request) -> str:
    """SHA-256 of all that the model is told."""
    parts = [request.system, *(part for turn in request.turns for part in (turn.speaker, turn.text))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def exchange(request: Request, model: str, outcome: Reply | Failure, cost: float | None) -> Exchange:
    """The line for a request and its outcome; keys that might stand in it are struck out."""
    if isinstance(outcome, Failure):
        what: dict[str, Any] = {"failure": outcome.kind, "detail": redact(outcome.detail), "retry_after": outcome.retry_after}
    else:
        what = {"text": redact(outcome.text), "seconds": round(outcome.seconds, 3)}
    return Exchange(
        key=request.key, role=request.role, trace=request.trace, step=request.step, template=request.template,
        schema_name=request.schema_name, prompt_sha256=prompt_digest(request), system=redact(request.system),
        turns=[(turn.speaker, redact(turn.text)) for turn in request.turns], model=model, tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out, cost=cost, **what,
    )  # fmt: skip


class Recorder:
    """Appends exchanges to one or more files; a line is with the kernel before the run goes on.

    Parameters
    ----------
    paths
        Files to write; those that are not there, or empty, get the header.
    header
        The run's choice of models.
    """

    def __init__(self, paths: list[Path], header: Header) -> None:
        self._lock = threading.Lock()
        self._files = []
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            _drop_torn_line(path)
            file = path.open("a", encoding="utf-8")
            if path.stat().st_size == 0:
                file.write(header.model_dump_json() + "\n")
                file.flush()
            self._files.append(file)

    def add(self, line: Exchange) -> None:
        """Append one line."""
        text = line.model_dump_json() + "\n"
        with self._lock:
            for file in self._files:
                file.write(text)
                file.flush()

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


def _drop_torn_line(path: Path) -> None:
    """Take away half a line that a kill or a full disk left."""
    data = path.read_bytes() if path.exists() else b""
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def read_record(path: Path) -> tuple[Header, list[Exchange]]:
    """The header and the exchanges of a record; a run directory stands for the record in it.

    Raises
    ------
    TaskError
        If it is not there, is no record, or is of another version.
    """
    file = path / RECORD_NAME if path.is_dir() else path
    try:
        lines = _lines(file)
        header = Header.model_validate(next(lines, None))
    except OSError as error:
        raise TaskError(f"replay:{path}: {file} cannot be read ({error.strerror or error}); --record FILE makes one") from None
    except (ValueError, ValidationError):
        raise TaskError(f"replay:{path}: {file} does not begin like a record of models; --record FILE makes one") from None
    if header.v != RECORD_VERSION:
        raise TaskError(f"replay:{path}: {file} is a record of version {header.v}, this gome reads {RECORD_VERSION}; record the run again")
    try:
        return header, [Exchange.model_validate(line) for line in lines]
    except (ValueError, ValidationError) as error:
        raise TaskError(f"replay:{path}: {file} holds a line that is no exchange ({' '.join(str(error).split())[:200]})") from None


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):  # a torn last line: the process was killed while it wrote
                yield json.loads(line)


class Past:
    """What a record says came of each request.

    Parameters
    ----------
    exchanges
        Lines of the record; of two with one key, the last counts.
    """

    def __init__(self, exchanges: list[Exchange]) -> None:
        self._lines = {line.key: line for line in exchanges}
        self.differing = 0
        """Requests whose prompt was not the recorded one (times that were measured stand in prompts)."""

    def __contains__(self, key: str) -> bool:
        return key in self._lines

    def answer(self, request: Request) -> Reply:
        """The recorded reply, or the recorded failure raised."""
        line = self._lines[request.key]
        self.differing += line.prompt_sha256 != prompt_digest(request)
        return line.outcome()


class ReplayBackend:
    """Answers from a record under the recorded model's name. Never reaches for a network.

    Parameters
    ----------
    name
        The recorded ``provider:model``.
    past
        The record.
    """

    patient = False

    def __init__(self, name: str, past: Past) -> None:
        self.name = name
        self._past = past

    def complete(self, request: Request) -> Reply:
        """The recorded outcome of this request."""
        if request.key not in self._past:
            raise Failure(FailureKind.REJECTED, f"the record holds no answer to {request.key}")
        return self._past.answer(request)
