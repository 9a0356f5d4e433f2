"""A knowledge graph as integer triples with names."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Triples = NDArray[np.int64]
"""Shape (n, 3): head, relation, tail."""

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class KnowledgeGraph:
    """Names and the three splits; ids are positions in the name lists.

    Training objects are given `train` alone; `valid` and `test` go to evaluators, which need all three to filter known triples.
    """

    entities: list[str]
    relations: list[str]
    train: Triples
    valid: Triples
    test: Triples
    name: str = "graph"
    notes: tuple[str, ...] = ()
    """One sentence for each thing a user should know about the data: unseen entities, duplicates dropped, a split we made."""
    labels: dict[str, str] = field(default_factory=dict)
    """Readable names of entities and relations where the data set brings them; for showing only."""

    @property
    def n_entities(self) -> int:
        return len(self.entities)

    @property
    def n_relations(self) -> int:
        return len(self.relations)

    def split(self, name: str) -> Triples:
        """The triples of ``train``, ``valid`` or ``test``."""
        triples: Triples = getattr(self, name)
        return triples

    @property
    def known(self) -> Triples:
        """All triples of all splits: what a filtered evaluation leaves out."""
        return np.concatenate([self.train, self.valid, self.test])

    def label(self, name: str) -> str:
        """A readable name, or the name itself."""
        return self.labels.get(name, name)

    def facts(self) -> dict[str, int | str]:
        """Sizes, for reports."""
        return {
            "name": self.name, "entities": self.n_entities, "relations": self.n_relations,
            "train": len(self.train), "valid": len(self.valid), "test": len(self.test),
        }  # fmt: skip


def with_inverses(triples: Triples, n_relations: int) -> Triples:
    """The triples and, after them, (t, r + n_relations, h) for each: every question becomes one for a tail."""
    inverse = np.stack([triples[:, 2], triples[:, 1] + n_relations, triples[:, 0]], axis=1)
    return np.concatenate([triples, inverse])
