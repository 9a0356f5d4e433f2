"""What a reasoner asks a language model, and what it gets back. Backends stand behind `Models`; reasoners know nothing else of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)


class Role(StrEnum):
    """What a model is asked to do; each role may have a model of its own (``--model code=b``)."""

    DIAGNOSE = "diagnose"
    """Name the cause behind measured facts."""
    PROPOSE = "propose"
    """Name changes that would help."""
    CODE = "code"
    """Write or patch the script."""
    JUDGE = "judge"
    """Choose among what was proposed."""


@dataclass(frozen=True)
class Ask(Generic[T]):
    """One request. Equal requests of the same step are the same request: a run that is resumed finds its answer again."""

    role: Role
    system: str
    """Who the model is and how it must answer."""
    user: str
    """The facts and the question."""
    schema: type[T]
    """Pydantic model of the answer; its JSON schema goes to the backend, and the answer is validated with it."""
    trace: int
    step: int
    template: str
    """Prompt template and its hash, ``diagnose@1f0c9a27``: what a run record needs to say which words were used."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A valid answer and what it cost, failed tries included."""

    value: T
    model: str
    """``provider:model`` that gave it; a fallback's if the first choice failed."""
    tokens_in: int
    """Tokens of all prompts, as the provider counts them."""
    tokens_out: int
    cost: float | None
    """US dollars; None where the price is not known."""
    tries: int
    """Requests made until the answer was valid; 1 is the first."""
    repaired: bool
    """Whether the text had to be mended, or asked for again, to fit the schema."""


@runtime_checkable
class Models(Protocol):
    """The models of a run, one for each role. Thread-safe: all traces ask at once."""

    name: str
    """What the user chose, for records and displays."""

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Ask the role's model; retries, backoff, repair and fallbacks happen inside and are journalled.

        Raises
        ------
        ModelUnavailable
            If no backend answered within the run's patience.
        InvalidAnswer
            If what came back fits the schema in no try.
        CapReached
            If a cap on tokens or money does not allow another request.
        """
        ...

    def validity(self, before: tuple[int, int] | None = None) -> float:
        """Share of the run's answers so far that fitted at once; 1.0 before any. What a server failed to send is no answer.

        With `before`, a trace and the number of a step of it, that step and those after it are left out.
        """
        ...
