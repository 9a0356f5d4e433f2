"""What tokens cost: a table of prices that the user may override (``--prices FILE``)."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_graph.models.names import split_name

MILLION = 1_000_000
EXAMPLE = '"openai:my-model" = { in = 1.0, out = 4.0 }'


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    tokens_in: float
    tokens_out: float
    cached_in: float | None = None
    """For prompt tokens read from the provider's cache; None: the full price."""

    def cost(self, tokens_in: int, tokens_out: int, cached_in: int = 0) -> float:
        """US dollars of one request."""
        cached = min(cached_in, tokens_in)
        cheap = self.tokens_in if self.cached_in is None else self.cached_in
        return ((tokens_in - cached) * self.tokens_in + cached * cheap + tokens_out * self.tokens_out) / MILLION


FREE = Price(0.0, 0.0)
NO_CHARGE = ("mailbox", "ollama")
"""Providers that bill nothing."""


class PriceTable:
    """Prices by ``provider:model`` pattern; the user's come first, then ours.

    Parameters
    ----------
    own
        The user's prices.
    shipped
        Ours; empty where a model of that name is served by somebody else (``--base-url``).
    """

    def __init__(self, own: dict[str, Price], shipped: dict[str, Price]) -> None:
        self._own = own
        self._shipped = shipped

    def price(self, name: str) -> Price | None:
        """The price of a model; None where it is not known."""
        if split_name(name)[0] in NO_CHARGE:
            return FREE
        return _find(self._own, name) or _find(self._shipped, name)


def price_table(path: Path | None = None, *, base_url: str | None = None) -> PriceTable:
    """The table of a run.

    Raises
    ------
    TaskError
        If the user's file is not there or is no table of prices.
    """
    return PriceTable(_read_own(path) if path else {}, {} if base_url else _shipped())


def _find(prices: dict[str, Price], name: str) -> Price | None:
    """The exact name, else the longest pattern that fits: ``openai:gpt-5*`` yields to ``openai:gpt-5-mini*``."""
    if name in prices:
        return prices[name]
    fitting = [pattern for pattern in prices if fnmatchcase(name, pattern)]
    return prices[max(fitting, key=len)] if fitting else None


@lru_cache
def _shipped() -> dict[str, Price]:
    return _prices(tomllib.loads(files(__package__).joinpath("prices.toml").read_text(encoding="utf-8")))


def _read_own(path: Path) -> dict[str, Price]:
    try:
        return _prices(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise TaskError(f"--prices {path} cannot be read ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TaskError(f"--prices {path} is no table of prices ({error}); write lines like {EXAMPLE} below [prices]") from None


def _prices(table: dict[str, Any]) -> dict[str, Price]:
    rows = table["prices"]
    return {
        name: Price(float(row["in"]), float(row["out"]), None if row.get("cached") is None else float(row["cached"]))
        for name, row in rows.items()
    }
