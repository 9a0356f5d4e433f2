"""What a person may say to a run: wishes about steps, and the answer to a pause. All of it small, JSON, and kept in the run directory."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field

from gome_graph.records import Record

STEP_PATTERN = r"^t\d+-\d+$"
"""A step's name; see `step_id`."""
MOST_WORDS = 2000
"""Characters of a hint or a reason: it is read by reasoners and shown in views."""


class WishKind(StrEnum):
    """What can be wished for a step."""

    PIN = "pin"
    """Hand this one out, whatever the numbers say; the last pin counts."""
    VETO = "veto"
    """Never hand it out, nor what was built on it; its trace goes on from the last step that is left."""


class Wish(Record):
    """A wish about one step, carried out before the next step of any trace."""

    kind: WishKind
    step: str = Field(pattern=STEP_PATTERN)
    reason: str = Field(default="", max_length=MOST_WORDS)


class Hint(Record):
    """Words for the traces."""

    text: str = Field(min_length=1, max_length=MOST_WORDS)
    trace: int | None = Field(default=None, ge=0)
    """Only for this trace; None tells all."""


class Action(StrEnum):
    """How a paused run goes on."""

    CONTINUE = "continue"
    """Further steps, while the budget lasts."""
    FINISH = "finish"
    """Select, refit and hand out now."""


class Decision(Record):
    """The answer to a pause."""

    action: Action | None = None
    """None does what would have come without the pause."""
    pin: str | None = Field(default=None, pattern=STEP_PATTERN)
    """The step to hand out."""
    veto: list[str] = []
    """Steps never to hand out."""
    hints: list[Hint] = []
    """Words for the traces."""

    @classmethod
    def read(cls, answer: Any) -> "Decision":
        """An answer as people and programs give it: nothing, ``"finish"``, or an object with these fields.

        Raises
        ------
        ValueError
            If it is none of that.
        """
        if answer is None or answer is True or answer == "":
            return cls()
        return cls.model_validate({"action": answer} if isinstance(answer, str) else answer)

    def wishes(self) -> list[Wish]:
        """Its pin and vetoes."""
        vetoes = [Wish(kind=WishKind.VETO, step=step) for step in self.veto]
        return vetoes if self.pin is None else [*vetoes, Wish(kind=WishKind.PIN, step=self.pin)]


def append_line(path: Path, record: Record) -> None:
    """Add one line of JSON in one write, so that a reader sees the whole line or nothing of it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record.model_dump(mode="json"), ensure_ascii=False) + "\n")


def read_wishes(path: Path) -> list[Wish]:
    """All wishes of a run, oldest first; a torn last line is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [Wish.model_validate_json(line) for line in lines if line.endswith("\n")]
