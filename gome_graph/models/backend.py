"""What stands between `Models` and a language model: one request in, one reply or one failure out. No retries here."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from gome_graph.models.contracts import Role
from gome_graph.records import Seconds


class FailureKind(StrEnum):
    """Why a request gave no reply, by what is to be done about it."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    """5xx, or the server says it is busy."""
    TIMED_OUT = "timed_out"
    DISCONNECTED = "disconnected"
    """No connection, or it broke in the middle of the answer."""
    TRUNCATED = "truncated"
    """The answer ended at a length limit."""
    REFUSED = "refused"
    """The model, or a filter behind it, did not want to answer."""
    REJECTED = "rejected"
    """The server does not take this request (too long, unknown option); the next one may pass."""
    FORBIDDEN = "forbidden"
    """Key, account or model name are wrong: no request of this run will pass."""
    BROKEN = "broken"
    """Something else; not tried again."""
    OUT_OF_TIME = "out_of_time"
    """There is no time left to wait for it."""
    STOPPED = "stopped"
    """The user ends the run."""


PASSING = frozenset({
    FailureKind.RATE_LIMITED, FailureKind.OVERLOADED, FailureKind.TIMED_OUT, FailureKind.DISCONNECTED, FailureKind.REFUSED,
})  # fmt: skip
"""Failures that may be over a moment later, with the same request."""

ON_THE_WAY = frozenset({FailureKind.TIMED_OUT, FailureKind.DISCONNECTED, FailureKind.STOPPED})
"""Failures of requests that may have reached the model: they may be billed, though nobody says how much."""


class Failure(Exception):
    """A request without a reply.

    Parameters
    ----------
    kind, detail
        What happened; the detail in a sentence, without secrets.
    retry_after
        Seconds that the server asks us to wait.
    tokens_in, tokens_out
        What it cost all the same, where the server says so.
    cost
        US dollars, where they are known (a replayed failure); else the price table says.
    """

    def __init__(
        self, kind: FailureKind, detail: str, *, retry_after: Seconds | None = None, tokens_in: int = 0, tokens_out: int = 0,
        cost: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{kind.value.replace('_', ' ')}: {detail}")
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after
        self.tokens_in = tokens_in
        self.tokens_out = tokens_out
        self.cost = cost


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    speaker: str
    """``user`` or ``model``."""
    text: str


@dataclass(frozen=True)
class Request:
    """One request as backends see it."""

    run: str
    """Names the run."""
    key: str
    """Names it within its run, the same after a restart: ``t0-3.diagnose@1f0c9a27.Diagnosis.1``; the number counts requests of a name."""
    role: Role
    trace: int
    step: int
    template: str
    system: str
    turns: tuple[Turn, ...]
    schema_name: str
    schema: dict[str, Any]
    """JSON schema of the answer."""
    timeout: Seconds
    """Longest wait for this request."""
    max_output: int | None = None
    """Most tokens of the answer; None leaves it to the model."""
    stopped: Callable[[], bool] = lambda: False
    """Polled while waiting."""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    cached_in: int = 0
    """Of `tokens_in`, those read from the provider's cache."""
    seconds: Seconds = 0.0
    cost: float | None = None
    """US dollars, where the backend itself knows (a replayed answer); else the price table says."""
    model: str = ""
    """``provider:model``, where it differs from the backend's name (a replayed answer)."""


@runtime_checkable
class Backend(Protocol):
    """Sends requests to one model. Thread-safe."""

    name: str
    """``provider:model``."""

    patient: bool
    """True if an answer may take as long as the budget lasts (a person writes it)."""

    def complete(self, request: Request) -> Reply:
        """The reply to a request.

        Raises
        ------
        Failure
            If there is none.
        """
        ...
