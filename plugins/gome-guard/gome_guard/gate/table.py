"""The runtime override table: what a service looks up before it acts, in one file without the bank.

An entry overrules a policy near its request, if the policy prefers what the sample rejects and an accepted action is on offer; where
the policy does right by itself the entry is silent. Entries come from the training part only: what the gate judges by stays unseen.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from gome_graph.errors import TaskError
from gome_graph.records import Record
from gome_guard.arrays import UNREADABLE, load_arrays, save_arrays
from gome_guard.gate.from_bank import expired
from gome_guard.gate.override import CHUNK, RADIUS, nearest_within
from gome_guard.log import Array
from gome_guard.policy.features import TextFeatures, unit
from gome_guard.records import Feedback, Part, RPSample, Status, Tier

FORMAT = 1


class Entry(Record):
    """One lesson."""

    sample: str
    text: str = ""
    accept: list[str]
    reject: list[str]
    segment: str
    tier: Tier
    expires: datetime | None = None


class Overruled(Record):
    """One request on which the table overrules the policy."""

    request: str
    sample: str
    was: str
    becomes: str


class OverrideTable:
    """Entries with their features, ready to look up."""

    def __init__(self, entries: Sequence[Entry], x: Array, text: TextFeatures | None, radius: float = RADIUS) -> None:
        """`x` (m, d) unit features of the entries; `text` makes those of requests, None where requests come with numbers."""
        self.entries, self.x, self.text, self.radius = list(entries), x, text, radius

    def __len__(self) -> int:
        return len(self.entries)

    def choose(self, rows: Sequence[Feedback], preferred: Sequence[str], now: datetime) -> list[Overruled]:
        """What to do otherwise on logged or live requests, given what the policy prefers on each of them."""
        out: list[Overruled] = []
        if not self.entries:
            return out
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            nearest, near = nearest_within(self.x, self._features(part), self.radius)
            for i in np.flatnonzero(near).tolist():
                entry, was = self.entries[nearest[i]], preferred[start + i]
                becomes = next((action for action in entry.accept if action in part[i].candidates), None)
                if becomes is None or was not in entry.reject or expired(entry.expires, now):
                    continue
                out.append(Overruled(request=part[i].id, sample=entry.sample, was=was, becomes=becomes))
        return out

    def _features(self, rows: Sequence[Feedback]) -> Array:
        if self.text is not None:
            return self.text([row.text for row in rows])
        if any(len(row.features) != self.x.shape[1] for row in rows):
            raise TaskError(
                f"The override table was made for requests with {self.x.shape[1]} `features`; some have another number of them."
            )
        return unit(np.array([row.features for row in rows], dtype=np.float32))

    def save(self, path: Path) -> None:
        """Write plain arrays (``.npz``, no pickle), whole or not at all."""
        meta = {"format": FORMAT, "radius": self.radius, "entries": [entry.model_dump(mode="json") for entry in self.entries]}
        arrays = {"x": self.x, **({} if self.text is None else {"idf": self.text.idf, "components": self.text.components})}
        save_arrays(path, meta, arrays)

    @classmethod
    def load(cls, path: Path) -> "OverrideTable":
        """What `save` wrote.

        Raises
        ------
        TaskError
            If it is no such file.
        """
        try:
            arrays, meta = load_arrays(path)
            text = TextFeatures(arrays["idf"], arrays["components"]) if "idf" in arrays else None
            return cls([Entry.model_validate(e) for e in meta["entries"]], arrays["x"], text, float(meta["radius"]))
        except UNREADABLE as error:
            raise TaskError(f"{path} is not a table that `gome guard override --out` wrote ({type(error).__name__}).") from error


def make_table(
    rows: Sequence[Feedback], samples: Sequence[RPSample], now: datetime, *, tiers: Sequence[Tier] = (Tier.A, Tier.B),
    radius: float = RADIUS,
) -> OverrideTable:  # fmt: skip
    """The table of a bank: its active, unexpired training samples that a person reported (mined neighbours are guesses)."""
    kept = [
        s for s in samples
        if s.part is Part.TRAIN and s.status is Status.ACTIVE and not s.mined and s.tier in tiers and s.reject
        and not expired(s.expires, now)
    ]  # fmt: skip
    numbers = bool(rows and rows[0].features)
    text = None if numbers or not kept else TextFeatures.fit([row.text for row in rows])
    x = np.zeros((0, 0), np.float32)
    if kept:
        x = text([s.text for s in kept]) if text is not None else unit(np.array([s.features for s in kept], dtype=np.float32))
    entries = [
        Entry(sample=s.id, text=s.text, accept=s.accept, reject=s.reject, segment=s.segment, tier=s.tier, expires=s.expires) for s in kept
    ]
    return OverrideTable(entries, x, text, radius)
