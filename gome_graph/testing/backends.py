"""What every model backend must do, as a pytest class to inherit from.

Examples
--------
::

    from gome_graph.testing.backends import BackendContract

    class TestMyBackend(BackendContract):
        def make(self, answers):
            server = my_server(answers)      # says these texts, one after the other
            return MyBackend(server.url)
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import BaseModel, Field

from gome_graph.models.answers import read_answer
from gome_graph.models.backend import Backend, Failure, FailureKind, Request, Turn
from gome_graph.models.contracts import Role
from gome_graph.models.schemas import answer_schema


class Reason(BaseModel):
    """What the contract asks for."""

    cause: str = Field(min_length=1)
    confidence: float = Field(ge=0, le=1)


GOOD: dict[str, Any] = {"cause": "too shallow", "confidence": 0.5}


def request(number: int = 1, **changes: Any) -> Request:
    """One of several different requests."""
    values: dict[str, Any] = {
        "run": "r1", "key": f"t0-1.diagnose@0.Reason.{number}", "role": Role.DIAGNOSE, "trace": 0, "step": 1, "template": "diagnose@0",
        "system": "You are careful.", "turns": (Turn("user", f"Question {number}: what limits the score?"),), "schema_name": "Reason",
        "schema": answer_schema(Reason), "timeout": 20.0,
    }  # fmt: skip
    return Request(**{**values, **changes})


class BackendContract:
    """Inherit, and implement `make`."""

    patience_seconds = 10.0
    """How soon a stopped request must come back."""

    def make(self, answers: list[str]) -> Backend:
        """A backend whose model says `answers` in turn, and nothing after them."""
        raise NotImplementedError

    def test_it_has_the_name_that_records_show(self) -> None:
        """``provider:model``."""
        provider, colon, model = self.make([]).name.partition(":")
        assert provider
        assert colon
        assert model

    def test_an_answer_comes_back_as_it_was_said(self) -> None:
        """Text that can be read with the schema, and counts that are not negative."""
        reply = self.make([json.dumps(GOOD)]).complete(request())
        assert read_answer(reply.text, Reason).value == Reason(**GOOD)
        assert min(reply.tokens_in, reply.tokens_out) >= 0

    def test_what_does_not_fit_is_not_its_business(self) -> None:
        """Validation, repair and further tries are the session's."""
        reply = self.make([json.dumps({"cause": ""})]).complete(request())
        assert json.loads(reply.text) == {"cause": ""}

    def test_many_threads_may_ask_at_once(self) -> None:
        """All traces share one backend."""
        backend = self.make([json.dumps(GOOD)] * 8)
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(backend.complete, [request(number) for number in range(8)]))
        assert all(json.loads(reply.text) == GOOD for reply in replies)

    def test_silence_ends_as_a_failure_at_the_time_limit(self) -> None:
        """Never as another exception, and never late."""
        start = time.monotonic()
        with pytest.raises(Failure):
            self.make([]).complete(request(timeout=1.0))
        assert time.monotonic() - start < 1.0 + self.patience_seconds

    def test_a_stopped_run_does_not_wait(self) -> None:
        """`Request.stopped` is polled."""
        start = time.monotonic()
        with pytest.raises(Failure) as error:
            self.make([]).complete(request(stopped=lambda: True))
        assert error.value.kind in (FailureKind.STOPPED, FailureKind.REJECTED)
        assert time.monotonic() - start < self.patience_seconds
