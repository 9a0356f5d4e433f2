"""Tokens and money of a run, by role, and the caps on them. Thread-safe."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from gome_graph.models.contracts import Role
from gome_graph.models.errors import CapReached
from gome_graph.models.prices import Price

BYTES_PER_TOKEN = 2.5
"""Prompt bytes for a token, on the safe side: English text has about 4, code 3, tables of numbers 2.5."""

TOKENS_BESIDE = 64
"""What a provider counts for roles, separators and the like."""

MARGIN = 1.1
"""On what prompts of this run have cost for a byte so far."""

LEAST_OUTPUT = 256
"""Tokens; an answer that may not even have these is not worth asking for."""

MOST_OUTPUT = 16_000
"""Tokens one answer may have where a cap makes us name a limit: a whole script and its reasons."""

SHARE = 0.5
"""Largest share of what a cap leaves that one answer may use up: other traces ask at the same time."""


@dataclass
class Spent:
    """What one role has used."""

    requests: int = 0
    failures: int = 0
    """Requests without a usable reply."""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    """US dollars, as far as prices are known."""
    unpriced: int = 0
    """Requests whose price is not known."""
    lost_tokens: int = 0
    """Estimated tokens of requests that were sent and never answered: a provider may bill them, so they count towards the caps."""
    lost_cost: float = 0.0


@dataclass
class Ledger:
    """The accounts.

    Parameters
    ----------
    max_tokens
        Cap on tokens of the run, prompts and answers together; None: no cap.
    max_cost
        Cap on US dollars.
    """

    max_tokens: int | None = None
    max_cost: float | None = None
    by_role: dict[Role, Spent] = field(default_factory=dict)
    _reserved_tokens: int = 0
    _reserved_cost: float = 0.0
    _tokens_per_byte: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def tokens(self) -> int:
        """Tokens used so far, lost ones included."""
        return sum(spent.tokens_in + spent.tokens_out + spent.lost_tokens for spent in self.by_role.values())

    @property
    def cost(self) -> float:
        """US dollars spent so far, lost ones included."""
        return sum(spent.cost + spent.lost_cost for spent in self.by_role.values())

    def add(self, role: Role, *, tokens_in: int, tokens_out: int, cost: float | None, failed: bool = False, prompt_bytes: int = 0) -> None:
        """Book one request."""
        with self._lock:
            spent = self.by_role.setdefault(role, Spent())
            spent.requests += 1
            spent.failures += failed
            spent.tokens_in += tokens_in
            spent.tokens_out += tokens_out
            if cost is None:
                spent.unpriced += 1
            else:
                spent.cost += cost
            if prompt_bytes and tokens_in > TOKENS_BESIDE:
                self._tokens_per_byte = max(self._tokens_per_byte, (tokens_in - TOKENS_BESIDE) / prompt_bytes)

    def lose(self, role: Role, prompt_bytes: int, price: Price | None) -> None:
        """Book the prompt of a request that may have been read, and of which nothing came back."""
        with self._lock:
            spent, tokens = self.by_role.setdefault(role, Spent()), self.estimate(prompt_bytes)
            spent.lost_tokens += tokens
            spent.lost_cost += price.cost(tokens, 0) if price else 0.0

    def estimate(self, prompt_bytes: int) -> int:
        """Tokens that a prompt will be counted as, on the safe side."""
        return int(prompt_bytes * max(1 / BYTES_PER_TOKEN, MARGIN * self._tokens_per_byte)) + TOKENS_BESIDE

    @contextmanager
    def reserve(self, prompt_bytes: int, price: Price | None) -> Iterator[int | None]:
        """Set tokens and money aside for a request; yields the most tokens its answer may have (None: no cap is set).

        Raises
        ------
        CapReached
            If what the caps leave, requests in flight taken off, does not pay for the prompt and a short answer.
        """
        if self.max_tokens is None and self.max_cost is None:
            yield None
            return
        with self._lock:
            prompt = self.estimate(prompt_bytes)
            room = float(MOST_OUTPUT)
            if self.max_tokens is not None:
                room = min(room, SHARE * (self.max_tokens - self.tokens - self._reserved_tokens - prompt))
            if self.max_cost is not None and price is not None and price.tokens_out > 0:
                left = self.max_cost - self.cost - self._reserved_cost - price.cost(prompt, 0)
                room = min(room, SHARE * left / price.cost(0, 1))
            if room < LEAST_OUTPUT:
                raise CapReached(self._sentence())
            output = int(room)
            tokens, cost = prompt + output, price.cost(prompt, output) if price else 0.0
            self._reserved_tokens += tokens
            self._reserved_cost += cost
        try:
            yield output
        finally:
            with self._lock:
                self._reserved_tokens -= tokens
                self._reserved_cost -= cost

    def _sentence(self) -> str:
        caps = []
        if self.max_tokens is not None:
            caps.append(f"{self.tokens:,} of {self.max_tokens:,} tokens")
        if self.max_cost is not None:
            caps.append(f"${self.cost:.4f} of ${self.max_cost:g}")
        return f"the cap on models is reached ({' and '.join(caps)} used)"

    def summary(self) -> dict[str, Any]:
        """The accounts as JSON, for ``run.json``."""
        with self._lock:
            roles = {role.value: asdict(spent) for role, spent in sorted(self.by_role.items())}
            total = {name: sum(row[name] for row in roles.values()) for name in asdict(Spent())}
        for row in (total, *roles.values()):
            if row["unpriced"] and not row["cost"]:
                row["cost"] = None  # no price is known: that is not the same as free
        return {"total": total, "by_role": roles, "max_tokens": self.max_tokens, "max_cost": self.max_cost}
