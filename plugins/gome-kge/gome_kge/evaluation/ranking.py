"""Exact filtered ranks of triples, both directions, a chunk of questions at a time.

For (h, r, ?) the true tail is ranked among all entities but the other known tails of (h, r) in any split ("filtered", Bordes et al., NIPS
2013); for
(?, r, t) likewise. Of equal scores the optimistic rank takes the best place, the pessimistic the worst, the realistic their mean
(Berrendorf et al.
2020). The true score is read from the same row it is compared with, so ties are exact.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import GomeError
from gome_kge.data.graph import Triples, with_inverses
from gome_kge.data.index import Ints, PairIndex

Floats = NDArray[np.float32]
Scorer = Callable[[Ints, Ints], Floats]
"""(heads (B,), relations (B,), inverse ones included) -> scores (B, E), writable."""

CHUNK_BYTES = 96 << 20
"""Memory of one chunk of scores."""


class NotANumber(GomeError):
    """The model's scores hold NaN: a rank would be a fiction."""


@dataclass(frozen=True)
class Ranks:
    """Ranks of n triples; column 0 for their tails, column 1 for their heads. 1 is best."""

    triples: Triples
    optimistic: Ints
    pessimistic: Ints

    @property
    def realistic(self) -> NDArray[np.float64]:
        return (self.optimistic + self.pessimistic) / 2

    def of(self, kind: str) -> NDArray[np.float64]:
        """Ranks of type ``optimistic``, ``realistic`` or ``pessimistic``."""
        return np.asarray(getattr(self, kind), dtype=np.float64)

    def take(self, which: NDArray[np.bool_] | Ints) -> "Ranks":
        """Some of the triples."""
        return Ranks(self.triples[which], self.optimistic[which], self.pessimistic[which])


def known_index(known: Triples, n_relations: int) -> PairIndex:
    """What `rank` filters by: (head, relation) -> known tails, inverse questions included."""
    return PairIndex.tails(with_inverses(known, n_relations), 2 * n_relations)


def rank(
    scorer: Scorer, triples: Triples, known: PairIndex, n_entities: int, n_relations: int, progress: Callable[[float], None] | None = None
) -> Ranks:
    """Rank both ends of each triple.

    Raises
    ------
    NotANumber
        If any score is NaN.
    """
    asked = with_inverses(triples, n_relations)
    key = asked[:, 0] * (2 * n_relations) + asked[:, 1]
    questions, label = np.unique(key, return_inverse=True)
    order = np.argsort(label, kind="stable")  # triples by question
    begin = np.searchsorted(label[order], np.arange(len(questions) + 1))
    better, equal = np.zeros(len(asked), dtype=np.int64), np.zeros(len(asked), dtype=np.int64)
    size = max(1, CHUNK_BYTES // (4 * n_entities))
    for first in range(0, len(questions), size):
        part = questions[first : first + size]
        heads, kinds = part // (2 * n_relations), part % (2 * n_relations)
        scores = scorer(heads, kinds)
        if np.isnan(scores.sum()) and np.isnan(scores).any():
            raise NotANumber("The model's scores hold NaN, so it cannot be ranked; train it again with a smaller --lr, or with fp32.")
        members = order[begin[first] : begin[first + len(part)]]
        row = label[members] - first
        true = scores[row, asked[members, 2]]
        mask_row, mask_column = known.gather(known.rows(heads, kinds))
        scores[mask_row, mask_column] = np.nan  # compares as neither greater nor equal
        for i, r, score in zip(members.tolist(), row.tolist(), true, strict=True):
            line = scores[r]
            better[i] = np.count_nonzero(line > score)
            equal[i] = np.count_nonzero(line == score)
        if progress is not None:
            progress(min(1.0, (first + len(part)) / len(questions)))
    n = len(triples)
    optimistic = np.stack([better[:n], better[n:]], axis=1) + 1
    return Ranks(triples, optimistic, optimistic + np.stack([equal[:n], equal[n:]], axis=1))
