"""The models of one run: asks the right backend, again where it helps, the next one where it does not, within time and caps."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gome_graph.models.answers import Unreadable, read_answer
from gome_graph.models.backend import ON_THE_WAY, Backend, Failure, FailureKind, Reply, Request, Turn
from gome_graph.models.chat import flush_traces
from gome_graph.models.contracts import Answer, Ask, T
from gome_graph.models.errors import CapReached, InvalidAnswer, ModelUnavailable
from gome_graph.models.health import Health
from gome_graph.models.ledger import Ledger
from gome_graph.models.names import Choice
from gome_graph.models.prices import Price, PriceTable
from gome_graph.models.recording import Past, Recorder, exchange
from gome_graph.models.retrying import send
from gome_graph.models.schemas import answer_schema
from gome_graph.models.tally import GIVEN_UP, Place, Tally
from gome_graph.records import Event, EventKind, Seconds, StepId, step_id
from gome_graph.support.secrets import redact
from gome_graph.support.seeds import derive_seed

VALID_TRIES = 3
"""Answers a backend may give to one ask until one fits the schema."""

ASK_SHARE = 0.25
"""Largest share of the time left for steps that one ask may take."""

LONGEST_ASK: Seconds = 600.0
SHORTEST_ASK: Seconds = 1.0
"""An ask is not begun with less."""

REQUEST_SHARE = 0.6
"""Largest share of an ask's time that one request may hang: another try must be possible. A patient backend has it all."""

SHORTER = "Your last answer was too long and was cut off. Keep every text in it short, and change less at once."

DETAIL = 300
"""Characters of an error that are kept."""


class Tell(Protocol):
    """Writes one event to the run's journal."""

    def __call__(self, kind: EventKind, *, trace: int, step: StepId, **data: Any) -> object: ...


@dataclass(frozen=True)
class Surroundings:
    """What a session needs of its run."""

    tell: Tell
    seconds_left: Callable[[], Seconds]
    """Left for steps."""
    stopped: Callable[[], bool]
    seed: int
    run: str = ""
    """Names the run, where several share a mailbox."""
    told: Sequence[Event] = ()
    """The journal of the run's earlier processes."""


class ModelSession:
    """`Models` over backends. Thread-safe.

    Parameters
    ----------
    choice
        Which model serves which role.
    backends
        By ``provider:model``.
    around
        The run.
    ledger, prices
        Accounts and caps; prices are asked where a backend does not say what a request cost.
    recorder
        Writes what happens.
    past
        Exchanges of this run before it was resumed: their replies are not asked for again.
    replaying
        Backends play a record back: nothing is waited for.
    """

    def __init__(
        self, choice: Choice, backends: Mapping[str, Backend], around: Surroundings, *, ledger: Ledger, prices: PriceTable,
        recorder: Recorder, past: Past | None = None, replaying: bool = False,
    ) -> None:  # fmt: skip
        self.choice = choice
        self.name = choice.text()
        self.ledger = ledger
        self._backends = backends
        self._around = around
        self._prices = prices
        self._recorder = recorder
        self._past = past
        self._replaying = replaying
        self._health = Health()
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._tally = Tally(around.told)

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """See `Models.ask`."""
        last: Exception = ModelUnavailable(f"no model serves the role {ask.role.value}")
        names = self.choice.chain(ask.role)
        for place, name in enumerate(names):
            why = self._health.may_ask(name)
            if why:
                last = ModelUnavailable(f"{name} is not asked: {why}")
                continue
            deadline = time.monotonic() + self._patience(self._backends[name]) / (len(names) - place)
            try:
                answer = _Conversation(self, ask, self._backends[name], deadline).carry_on()
            except InvalidAnswer as error:
                self._count(ask, fitted=False)
                last = error
            except Failure as failure:
                self._note_failure(ask, name, failure)
                last = ModelUnavailable(f"{name}: {failure}")
                if failure.kind is FailureKind.STOPPED:
                    break
            else:
                self._health.well(name)
                self._count(ask, fitted=not answer.repaired)
                return answer
        raise last from None

    def validity(self, before: Place | None = None) -> float:
        """See `Models.validity`."""
        return self._tally.share(before)

    def summary(self) -> dict[str, Any]:
        """What ``run.json`` keeps: who was asked, what was used, how often the first answer was valid."""
        found = {
            "models": self.name,
            "fallbacks": list(self.choice.fallbacks),
            "validity": round(self.validity(), 4) if len(self._tally) else None,  # of no answers nothing is said
            **self.ledger.summary(),
        }
        if self._replaying:
            found["replayed"] = True
        return found

    def close(self) -> None:
        """Close the record, and let traces that are still on their way arrive."""
        self._recorder.close()
        flush_traces()

    def _patience(self, backend: Backend) -> Seconds:
        left = self._around.seconds_left()
        return left if backend.patient else min(ASK_SHARE * left, LONGEST_ASK)

    def _count(self, ask: Ask[T], *, fitted: bool) -> None:
        self._tally.add((ask.trace, ask.step), ask.role.value, fitted=fitted)

    def _note_failure(self, ask: Ask[T], name: str, failure: Failure) -> None:
        then = GIVEN_UP
        if failure.kind is FailureKind.FORBIDDEN:
            then = "not asked again in this run"
            if not self._health.dead(name, f"it does not let us in ({failure.detail})"):
                return
        elif failure.kind is not FailureKind.STOPPED:
            self._health.lost(name)
        self.trouble(ask, name, failure.kind.value, failure.detail, then)

    def trouble(self, ask: Ask[T], name: str, kind: str, detail: str, then: str) -> None:
        """Journal what went wrong and what is done about it."""
        self._around.tell(
            EventKind.MODEL_TROUBLE, trace=ask.trace, step=step_id(ask.trace, ask.step), role=ask.role.value, model=name, problem=kind,
            detail=redact(" ".join(detail.split()))[:DETAIL], then=then,
        )  # fmt: skip

    def key(self, ask: Ask[T]) -> str:
        """The name of the next request of this ask: the same in a run that is resumed or replayed."""
        base = f"{step_id(ask.trace, ask.step)}.{ask.template}.{ask.schema.__name__}"
        with self._lock:
            self._asked[base] += 1
            return f"{base}.{self._asked[base]}"


class _Conversation:
    """One ask at one backend: requests until an answer is valid."""

    def __init__(self, session: ModelSession, ask: Ask[Any], backend: Backend, deadline: Seconds) -> None:
        self._session = session
        self._ask = ask
        self._backend = backend
        self._deadline = deadline
        self._turns: tuple[Turn, ...] = (Turn("user", ask.user),)
        self._schema = answer_schema(ask.schema)
        self._tokens_in = self._tokens_out = self._tries = 0
        self._cost: float | None = 0.0
        self._seconds = 0.0

    def carry_on(self) -> Answer[Any]:
        """The first valid answer.

        Raises
        ------
        Failure, InvalidAnswer, CapReached
            If there is none.
        """
        problem, text = "", ""
        for number in range(1, VALID_TRIES + 1):
            then = GIVEN_UP if number == VALID_TRIES else "asked again"
            try:
                reply = self._send()
                text = reply.text
                read = read_answer(text, self._ask.schema)
            except Unreadable as error:
                problem = str(error)
                self._session.trouble(self._ask, self._backend.name, "invalid", problem, then)
                self._turns = (*self._turns[:1], Turn("model", text), Turn("user", _complaint(problem)))
                continue
            except Failure as failure:
                if failure.kind is not FailureKind.TRUNCATED:
                    raise
                problem = failure.detail
                self._session.trouble(self._ask, self._backend.name, failure.kind.value, problem, then)
                self._turns = (Turn("user", f"{self._ask.user}\n\n{SHORTER}"),)
                continue
            answer = Answer(
                value=read.value, model=reply.model or self._backend.name, tokens_in=self._tokens_in, tokens_out=self._tokens_out,
                cost=self._cost, tries=self._tries, repaired=read.mended or number > 1,
            )  # fmt: skip
            self._tell(answer)
            return answer
        raise InvalidAnswer(text, problem)

    def _tell(self, answer: Answer[Any]) -> None:
        self._session._around.tell(
            EventKind.ANSWERED, trace=self._ask.trace, step=step_id(self._ask.trace, self._ask.step), role=self._ask.role.value,
            model=answer.model, template=self._ask.template, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out, cost=answer.cost,
            tries=answer.tries, repaired=answer.repaired, seconds=round(self._seconds, 3),
        )  # fmt: skip

    def _send(self) -> Reply:
        name, ask, around = self._backend.name, self._ask, self._session._around
        return send(
            self._once, deadline=self._deadline, stopped=around.stopped, hurry=self._session._replaying,
            tell=lambda failure, wait: self._session.trouble(
                ask, name, failure.kind.value, failure.detail, f"tried again in {wait:.1f} s"
            ),
            give_up=lambda failure: self._record(self._request(1.0), failure),
            seed=derive_seed(around.seed, ask.trace, ask.step, ask.template, self._tries),
        )  # fmt: skip

    def _once(self) -> Reply:
        session = self._session
        left = self._deadline - time.monotonic()
        if not session._replaying and left < SHORTEST_ASK:
            over = Failure(FailureKind.OUT_OF_TIME, "the budget for steps leaves no time to ask a model")
            self._record(self._request(1.0), over)
            raise over
        price = session._prices.price(self._backend.name)
        request = self._request(left if self._backend.patient else REQUEST_SHARE * left)
        self._tries += 1
        if session._past is not None and request.key in session._past:
            reply = session._past.answer(request)  # an earlier process of this run has paid for it
            self._add(reply, again=True)
            return reply
        with session.ledger.reserve(self._prompt_bytes(), price) as output:
            start = time.monotonic()
            try:
                reply = self._backend.complete(replace(request, max_output=output))
            except Failure as failure:
                self._book(failure, price)
                self._record(request, failure)
                if failure.kind is FailureKind.TRUNCATED and output is not None and failure.tokens_out >= output:
                    raise CapReached(f"the cap on models left {output} tokens for an answer, which was not enough") from None
                raise
            seconds = reply.seconds or time.monotonic() - start
            if reply.cost is None and price is not None:
                reply = replace(reply, cost=price.cost(reply.tokens_in, reply.tokens_out, reply.cached_in))
            reply = replace(reply, text=redact(reply.text), seconds=seconds)  # what is used is what the record holds
            self._add(reply, again=False)
            self._record(request, reply)
            return reply

    def _book(self, failure: Failure, price: Price | None) -> None:
        ledger, role = self._session.ledger, self._ask.role
        if failure.cost is None:
            failure.cost = price.cost(failure.tokens_in, failure.tokens_out) if price else (None if failure.tokens_in else 0.0)
        ledger.add(role, tokens_in=failure.tokens_in, tokens_out=failure.tokens_out, cost=failure.cost, failed=True)
        if failure.kind in ON_THE_WAY and not self._backend.patient:
            ledger.lose(role, self._prompt_bytes(), price)
        self._tokens_in += failure.tokens_in
        self._tokens_out += failure.tokens_out
        self._cost = None if self._cost is None or failure.cost is None else self._cost + failure.cost

    def _add(self, reply: Reply, *, again: bool) -> None:
        self._seconds += reply.seconds
        self._tokens_in += reply.tokens_in
        self._tokens_out += reply.tokens_out
        self._cost = None if self._cost is None or reply.cost is None else self._cost + reply.cost
        if not again:  # what an earlier process of this run paid for is in the accounts already
            self._session.ledger.add(
                self._ask.role, tokens_in=reply.tokens_in, tokens_out=reply.tokens_out, cost=reply.cost, prompt_bytes=self._prompt_bytes()
            )

    def _record(self, request: Request, outcome: Reply | Failure) -> None:
        self._session._recorder.add(exchange(request, self._backend.name, outcome, outcome.cost))

    def _prompt_bytes(self) -> int:
        return sum(len(part.encode()) for part in (self._ask.system, str(self._schema), *(turn.text for turn in self._turns)))

    def _request(self, timeout: Seconds) -> Request:
        ask, session = self._ask, self._session
        return Request(
            run=session._around.run, key=session.key(ask), role=ask.role, trace=ask.trace, step=ask.step,
            template=ask.template, system=ask.system, turns=self._turns, schema_name=ask.schema.__name__, schema=self._schema,
            timeout=timeout, stopped=session._around.stopped,
        )  # fmt: skip


def _complaint(problem: str) -> str:
    return f"Your answer does not fit: {problem}. Answer again with the whole JSON object, corrected, and nothing else."
