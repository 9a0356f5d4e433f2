"""How many steps of a run improved on what it had: read from its journal, without gome.

A *draft* starts from nothing (no parent); the others change a solution. A step *improves* if it was accepted: better than its parent by
more than the noise. Steps that the end of the budget cut before their verdict do not count.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Steps:
    """Counts of one or of several runs."""

    drafts: int = 0
    after: int = 0
    """Steps after the drafts that got a verdict."""
    improving: int = 0
    """Those of them that were accepted."""

    def __add__(self, other: "Steps") -> "Steps":
        return Steps(self.drafts + other.drafts, self.after + other.after, self.improving + other.improving)

    @property
    def share(self) -> float:
        """Improving steps among those after the drafts; NaN without any."""
        return self.improving / self.after if self.after else float("nan")

    def __str__(self) -> str:
        return f"{self.improving} of {self.after} ({100 * self.share:.0f} %)" if self.after else "-"


def count(events: Iterable[dict[str, Any]]) -> Steps:
    """Fold the events of one journal."""
    parents: dict[str, str | None] = {}
    total = Steps()
    for event in events:
        if event["kind"] == "step_started":
            parents[event["step"]] = event["data"].get("parent")
        elif event["kind"] == "validated" and event["step"] in parents:
            draft = parents.pop(event["step"]) is None
            accepted = event["data"]["verdict"]["kind"] == "accepted"
            total += Steps(drafts=int(draft), after=int(not draft), improving=int(accepted and not draft))
    return total


def steps_of(run: Path) -> Steps:
    """The counts of a run directory; nothing counted where it has no journal."""
    path = run / "journal.jsonl"
    if not path.exists():
        return Steps()
    return count(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
