"""One measured behaviour with its bar."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Check:
    """A figure against its bar."""

    behaviour: int
    """Number in the table of docs."""
    name: str
    figure: float
    bar: str
    """The bar in words, for example ``<= 0.05``."""
    passed: bool | None
    """None where nothing was to be judged: a figure for information."""
    note: str = ""
    """What the figure was measured on."""
    facts: dict[str, Any] = field(default_factory=dict)
    """More numbers (JSON), for machines."""

    def line(self) -> str:
        """For people."""
        note = f"  ({self.note})" if self.note else ""
        word = "INFO" if self.passed is None else "PASS" if self.passed else "MISS"
        return f"{word}  {self.behaviour} {self.name}: {self.figure:.4g}, bar {self.bar}{note}"


def at_most(behaviour: int, name: str, figure: float, bar: float, note: str = "", **facts: Any) -> Check:
    """A check that a figure does not exceed its bar."""
    return Check(behaviour, name, float(figure), f"<= {bar:g}", figure <= bar, note, facts)


def at_least(behaviour: int, name: str, figure: float, bar: float, note: str = "", **facts: Any) -> Check:
    """A check that a figure reaches its bar."""
    return Check(behaviour, name, float(figure), f">= {bar:g}", figure >= bar, note, facts)


def told(behaviour: int, name: str, figure: float, note: str = "", **facts: Any) -> Check:
    """A figure without a bar."""
    return Check(behaviour, name, float(figure), "none", None, note, facts)
