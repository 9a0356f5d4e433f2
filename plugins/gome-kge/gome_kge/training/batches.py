"""What one step looks at, as positions in a small table of entity rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gome_kge.data.graph import Triples, with_inverses
from gome_kge.data.index import Ints, PairIndex
from gome_kge.settings import Settings

BLOCK = 32
"""RESCAL's questions of one relation that stay together: few matrices a batch, large products."""


@dataclass
class Batch:
    """B questions with T true tails; positions are rows of the step's own tables, so that memory and time follow the batch, not the
    graph."""

    entities: Tensor | None
    """(n,) ids of the rows of the step's entity table, candidates first; None: the whole table, all of it candidates."""
    n_candidates: int
    n_plain: int
    """The first so many candidates have log weight 0."""
    bias: float
    relations: Tensor
    """(m,) ids of the rows of the step's relation table."""
    head: Tensor
    """(B,) positions of the questions' heads."""
    relation: Tensor
    """(B,) positions of their relations, equal ones together."""
    count: Tensor
    """(B,) true tails of each, as floats."""
    weight: Tensor
    """(T,) weight of each true tail."""
    row: Tensor
    """(T,) question of each true tail, ascending."""
    column: Tensor
    """(T,) position of each true tail among the candidates."""
    head_ids: Ints
    relation_ids: Ints
    tail_ids: Ints
    pairs: Tensor | None = None
    """(P,) ascending positions among the true tails: those whose relation is guessed. None: all of them."""

    @property
    def n_pairs(self) -> int:
        """How many relations are guessed."""
        return len(self.row) if self.pairs is None else len(self.pairs)

    @property
    def triples(self) -> int:
        return len(self.row)


PAIRS = 512
"""(head, tail) pairs of a step whose relation is guessed, at most: drawn uniformly, so that the mean loss stays what it is."""
ROUND = 256
"""Candidates are a multiple of this: a new shape costs the matrix library a new kernel."""


def class_weights(triples: Triples, n_entities: int) -> NDArray[np.float32]:
    """0.1 + 0.9 n_e / max n of each entity's occurrences in `triples`: the weights of the cross-entropy in DURA's code."""
    count = np.bincount(triples[:, [0, 2]].ravel(), minlength=n_entities)
    weights: NDArray[np.float32] = (0.1 + 0.9 * count / count.max()).astype(np.float32)
    return weights


class Batches:
    """All questions of train, shuffled anew each epoch by (seed, epoch) alone: a resumed training sees what an uninterrupted one saw."""

    def __init__(self, train: Triples, n_entities: int, n_relations: int, settings: Settings) -> None:
        self.n_entities, self.n_relations, self.settings = n_entities, 2 * n_relations, settings
        self.index = PairIndex.tails(with_inverses(train, n_relations), self.n_relations)
        self.tail_weight = class_weights(train, n_entities) if settings.class_weights else np.ones(n_entities, dtype=np.float32)
        self.heads, self.kinds, self.counts = self.index.first, self.index.second, self.index.counts

    def __len__(self) -> int:
        return -(-len(self.index) // self.settings.batch)

    def epoch(self, number: int) -> Iterator[tuple[Batch, np.random.Generator]]:
        """The batches of epoch `number`, each with the generator that what else is random in the step must use."""
        rng = np.random.default_rng([self.settings.seed, number])
        order = self._blocks(rng) if self.settings.model == "rescal" else rng.permutation(len(self.index))
        for begin in range(0, len(order), self.settings.batch):
            yield self.make(order[begin : begin + self.settings.batch], rng), rng

    def _blocks(self, rng: np.random.Generator) -> Ints:
        """A random order in which runs of up to `BLOCK` questions share their relation."""
        order = rng.permutation(len(self.index))
        order = order[np.argsort(self.kinds[order], kind="stable")]
        kinds = self.kinds[order]
        first = np.searchsorted(kinds, kinds)  # where each question's relation begins
        block = kinds * (len(order) // BLOCK + 1) + (np.arange(len(order)) - first) // BLOCK
        _, label = np.unique(block, return_inverse=True)
        place = rng.permutation(label.max() + 1)
        result: Ints = order[np.argsort(place[label], kind="stable")]
        return result

    def make(self, questions: Ints, rng: np.random.Generator) -> Batch:
        """The batch of some questions."""
        questions = questions[np.argsort(self.kinds[questions], kind="stable")]
        head_ids, relation_ids = self.heads[questions], self.kinds[questions]
        row, tail_ids = self.index.gather(questions)
        wanted = np.arange(self.n_relations) if self.settings.relation_prediction else np.unique(relation_ids)
        entities, head, column, sizes, bias = self._rows(head_ids, tail_ids, rng)
        return Batch(
            None if entities is None else torch.from_numpy(entities), sizes[0], sizes[1], bias, torch.from_numpy(wanted),
            torch.from_numpy(head),
            torch.from_numpy(np.searchsorted(wanted, relation_ids)), torch.from_numpy(self.counts[questions].astype(np.float32)),
            torch.from_numpy(self.tail_weight[tail_ids]), torch.from_numpy(row), torch.from_numpy(column), head_ids, relation_ids, tail_ids,
            self._pairs(len(row), rng),
        )  # fmt: skip

    def _pairs(self, triples: int, rng: np.random.Generator) -> Tensor | None:
        if not self.settings.relation_prediction or triples <= PAIRS:
            return None
        return torch.from_numpy(np.sort(rng.choice(triples, PAIRS, replace=False)))

    def _rows(self, head_ids: Ints, tail_ids: Ints, rng: np.random.Generator) -> tuple[Ints | None, Ints, Ints, tuple[int, int], float]:
        """(entity rows, positions of heads, of tails, (candidates, plain ones), log weight of the others)."""
        wanted = self.settings.negatives
        if not wanted or wanted >= self.n_entities:
            return None, head_ids, tail_ids, (self.n_entities, self.n_entities), 0.0
        place = np.full(self.n_entities, -1, dtype=np.int64)
        tails = np.unique(tail_ids)
        place[tails] = np.arange(len(tails))
        size = min(self.n_entities, -(-(len(tails) + wanted) // ROUND) * ROUND) - len(tails)
        drawn = rng.integers(self.n_entities, size=size + size // 4 + 2 * len(tails))
        drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])]  # distinct, in the order they were drawn
        drawn = drawn[place[drawn] < 0][:size]
        place[drawn] = len(tails) + np.arange(len(drawn))
        heads = np.unique(head_ids)
        heads = heads[place[heads] < 0]
        n_candidates = len(tails) + len(drawn)
        place[heads] = n_candidates + np.arange(len(heads))
        bias = log((self.n_entities - len(tails)) / len(drawn)) if len(drawn) else 0.0
        return np.concatenate([tails, drawn, heads]), place[head_ids], place[tail_ids], (n_candidates, len(tails)), bias
