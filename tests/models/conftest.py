"""A session of models over real backends, with a journal that is a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from gome_graph.hooks.manager import load_plugins
from gome_graph.models import Ask, Role, builtin, retrying
from gome_graph.models.open import Wish, open_models
from gome_graph.models.session import ModelSession, Surroundings
from gome_graph.records import Event


class Part(StrEnum):
    """Where a cause lies."""

    DATA = "data"
    MODEL = "model"


class Cause(BaseModel):
    """A diagnosis in small."""

    model_config = ConfigDict(extra="forbid")

    cause: str = Field(min_length=1, max_length=200)
    part: Part
    confidence: float = Field(ge=0, le=1)
    notes: list[str] = Field(default=[], max_length=3)


GOOD = {"cause": "too shallow", "part": "model", "confidence": 0.7, "notes": []}
SYSTEM = "You are a careful engineer."


def ask(user: str = "What limits the score?", *, role: Role = Role.DIAGNOSE, trace: int = 0, step: int = 1) -> Ask[Cause]:
    return Ask(role=role, system=SYSTEM, user=user, schema=Cause, trace=trace, step=step, template=f"{role.value}@00000000")


@dataclass
class Run:
    """What a session is given of its run."""

    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 400.0
    stop: bool = False

    def tell(self, kind: Any, **data: Any) -> None:
        self.events.append({"kind": kind.value, **data})

    def open(self, *models: str, base_url: str | None = None, told: Sequence[Event] = (), **wish: Any) -> ModelSession:
        plugins = load_plugins([], builtins=lambda: [("models", builtin)])
        if base_url is not None:
            from gome_openai import plugin

            plugins.add(plugin, "openai")
        around = Surroundings(
            tell=self.tell, seconds_left=lambda: self.seconds, stopped=lambda: self.stop, seed=0, run="r1", told=told
        )  # fmt: skip
        return open_models(Wish(models, base_url=base_url, **wish), plugins, self.folder, around)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]

    @property
    def problems(self) -> list[str]:
        return [event["problem"] for event in self.of("model_trouble")]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose waits are short, in an empty working directory and without anybody's keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.05)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "run"
    folder.mkdir()
    return Run(folder)


Opened = Callable[..., ModelSession]
