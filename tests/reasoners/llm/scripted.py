"""A model that answers as a test says, behind the same protocol as real ones."""

import threading
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from gome_graph.models import Answer, Ask, InvalidAnswer, Role

Reply = Callable[[Ask[Any]], Any]


class ScriptedModels:
    """Implements `Models`: `reply` gives the answer as a dictionary, or raises. All requests are kept."""

    name = "scripted"

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[Ask[Any]] = []
        self._lock = threading.Lock()
        self._valid = 0

    def ask(self, ask: Ask[Any]) -> Answer[Any]:
        with self._lock:
            self.asked.append(ask)
        given = self.reply(ask)
        try:
            value = ask.schema.model_validate(given)
        except ValidationError as error:
            raise InvalidAnswer(str(given), str(error)) from error
        with self._lock:
            self._valid += 1
        return Answer(value, "scripted", len(ask.user) // 4, 10, None, 1, False)

    def validity(self, before: tuple[int, int] | None = None) -> float:
        return self._valid / len(self.asked) if self.asked else 1.0

    def close(self) -> None:
        """Nothing is open."""

    def summary(self) -> dict[str, Any]:
        """What the run record says of the models."""
        return {"name": self.name}

    def by(self, role: Role, template: str = "") -> list[Ask[Any]]:
        """Requests of a role, and of a template where one is named."""
        return [ask for ask in self.asked if ask.role is role and ask.template.startswith(template)]


SCORES = {"alignment": 8, "impact": 7, "novelty": 6, "feasibility": 9, "risk_reward": 6}


def diagnosis(**changes: Any) -> dict[str, Any]:
    """A valid answer to diagnose."""
    return {
        "findings": [], "cause": "the noise term is 1.0", "direction": "less noise", "component": "model",
        "evidence": [{"ref": "score.value", "note": "the score"}], "expected_gain": 3.0, "confidence": 0.7, "cost_seconds": 2.0,
        "falsifier": "no gain", **changes,
    }  # fmt: skip


def hypothesis(title: str, **changes: Any) -> dict[str, Any]:
    """One valid hypothesis."""
    return {
        "challenge": "noise", "source": "feedback", "title": title, "rationale": "it adds error", "component": "model", "family": "linear",
        "symptoms": [], "expected_gain": 3.0, "cost_seconds": 2.0, "scores": {**SCORES, **changes.pop("scores", {})}, **changes,
    }  # fmt: skip


def hypotheses(*titles: str) -> dict[str, Any]:
    """A valid answer to propose; earlier titles have better marks."""
    return {"hypotheses": [hypothesis(title, scores={"impact": 9 - n}) for n, title in enumerate(titles)]}


def choice(number: int = 1, action: str = "select", **changes: Any) -> dict[str, Any]:
    """A valid answer to judge."""
    return {"action": action, "number": number, "title": "", "rationale": "", "component": "model", "reason": "it worked before", **changes}


def edits(*pairs: tuple[str, str]) -> dict[str, Any]:
    """A valid patch."""
    return {"edits": [{"search": search, "replace": replace} for search, replace in pairs], "summary": "changed it"}


def draft(script: str, **changes: Any) -> dict[str, Any]:
    """A valid draft."""
    return {"title": "Draft a line", "rationale": "plain", "family": "Linear", "cost_seconds": 2.0, "script": script, **changes}
