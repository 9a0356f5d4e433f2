"""The four contrastive terms of KGE-CL (Luo et al., COLING 2022), as published and corrected.

| term | anchor | label | positive |
|---|---|---|---|
| hr | u(h, r) = `Model.query` | t | u(h', r') with (h', r', t) in train |
| tr | v(t, r) = `Model.back` | h | v(t', r') with (h, r', t') in train |
| h | h | (r, t) | h' with (h', r, t) in train |
| t | t | (h, r) | t' with (h, r, t') in train |

A anchors of a step and one positive each are stacked to 2A rows z, L2-normalised; s_ij = z_i . z_j / temperature; M_ij = 1 if i and j (i
!= j) have
the same label. With N_ij = 1 - M_ij off the diagonal:

*published* (the authors' code): l_i = ( - sum_j M_ij s_ij + log sum_j N_ij exp s_ij ) / sum_j M_ij

Two flaws: positives are missing in the normaliser, so pulling them together never saturates; and a row j whose label differs although (j,
label of i) is
also a train triple, as happens wherever an entity has several true tails, is pushed away: a false negative.

*corrected* (the form of Khosla et al., NeurIPS 2020, eq. 2): l_i = - 1 / |P_i| sum_{p in P_i} log( exp s_ip / sum_{j in P_i or D_i} exp
s_ij ),
P_i = {j: M_ij = 1}, D_i = rows of other labels that are no false negatives of i by train.

The term is the mean of l_i times its weight. Positives are drawn uniformly in O(1) from compressed rows; the authors' draw walks a list a
triple.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gome_kge.data.index import Ints
from gome_kge.models import Model
from gome_kge.settings import Settings
from gome_kge.training.batches import Batch, Batches


def contrastive_loss(z: Tensor, label: Tensor, false_negative: Tensor | None, temperature: float, variant: str) -> Tensor:
    """Mean of l_i over rows that have a positive.

    Parameters
    ----------
    z : (n, w) rows, not normalised
    label : (n,) integers
    false_negative : (n, n) bools, row i: columns that are also true for i's label; None: none. Used by ``corrected`` alone.
    """
    unit = torch.nn.functional.normalize(z, dim=1)
    s = unit @ unit.T / temperature
    own = torch.eye(len(z), dtype=torch.bool)
    same = (label[:, None] == label[None, :]) & ~own
    count = same.sum(1)
    has = count > 0
    if not has.any():
        return z.sum() * 0.0
    pulled = (s * same).sum(1)
    if variant == "published":
        rest = torch.logsumexp(s.masked_fill(same | own, -torch.inf), 1)
        rest = torch.where(torch.isinf(rest), torch.zeros_like(rest), rest)  # every row has one label: nothing to push away
        return ((rest - pulled) / count.clamp_min(1))[has].mean()
    hidden = own if false_negative is None else own | (false_negative & ~same)
    norm = torch.logsumexp(s.masked_fill(hidden, -torch.inf), 1)
    return (norm - pulled / count.clamp_min(1))[has].mean()


@dataclass
class _Drawn:
    """Entities, relations and labels of one step's anchors, then their positives."""

    entities: Ints
    relations: Ints
    label: Ints
    false_negative: np.ndarray


class ContrastiveTerm:
    """Draws anchors and positives from train and computes the weighted term."""

    def __init__(self, settings: Settings, batches: Batches) -> None:
        self.settings, self.batches = settings, batches
        self.half = batches.n_relations // 2
        index = batches.index
        self.row_of_value = np.repeat(np.arange(len(index)), index.counts)
        heads = np.searchsorted(index.keys, np.arange(batches.n_entities + 1) * index.width)
        self.by_head = index.start[heads]
        """Where the triples of each head begin among the index's values."""
        self.drawn: _Drawn | None = None

    def _inverse(self, relations: Ints) -> Ints:
        return np.where(relations < self.half, relations + self.half, relations - self.half)

    def _triple_of_head(self, heads: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """A random (relation, tail) of each head, in O(1) a head."""
        begin, end = self.by_head[heads], self.by_head[heads + 1]
        at = begin + (rng.random(len(heads)) * (end - begin)).astype(np.int64)
        return self.batches.index.second[self.row_of_value[at]], self.batches.index.values[at]

    def wanted(self, batch: Batch, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Ids of the entities and relations of this step's 2A rows; for the terms h and t, no relations."""
        row = batch.row.numpy()
        chosen = np.arange(len(row))
        if len(chosen) > self.settings.anchors:
            chosen = np.sort(rng.choice(len(row), self.settings.anchors, replace=False))
        h, r, t = batch.head_ids[row[chosen]], batch.relation_ids[row[chosen]], batch.tail_ids[chosen]
        index = self.batches.index
        if self.settings.term in ("hr", "tr"):
            own, other = (t, h) if self.settings.term == "hr" else (h, t)
            # A triple (own, q, x): for hr, x is a head whose relation q^-1 leads to the tail; for tr, x is a tail of relation q.
            q, x = self._triple_of_head(own, rng)
            kinds = np.concatenate([r, self._inverse(q) if self.settings.term == "hr" else q])
            entities = np.concatenate([other, x])
            question = kinds if self.settings.term == "hr" else self._inverse(kinds)
            members = index.gather(index.rows(entities, question))
            label = np.concatenate([own, own])
            false = self._false_of_items(members, label)
        else:
            asked = (t, self._inverse(r)) if self.settings.term == "h" else (h, r)
            rows = index.rows(*asked)
            entities = np.concatenate([h if self.settings.term == "h" else t, index.draw(rows, rng)])
            kinds = np.zeros(0, dtype=np.int64)
            label = np.concatenate([rows, rows])
            false = self._false_of_labels(index.gather(np.unique(rows)), np.unique(rows), label, entities)
        self.drawn = _Drawn(entities, kinds, label, false)
        return entities, kinds

    def _false_of_items(self, members: tuple[Ints, Ints], label: Ints) -> np.ndarray:
        """(n, n): is the label of i among the known answers of couple j?"""
        distinct, code = np.unique(label, return_inverse=True)
        place = np.full(self.batches.n_entities, -1, dtype=np.int64)
        place[distinct] = np.arange(len(distinct))
        known = np.zeros((len(distinct), len(label)), dtype=bool)
        answer = place[members[1]]
        known[answer[answer >= 0], members[0][answer >= 0]] = True
        return known[code]

    def _false_of_labels(self, members: tuple[Ints, Ints], distinct: Ints, label: Ints, entities: Ints) -> np.ndarray:
        """(n, n): is entity j among the known members of the label of i?"""
        unique, code = np.unique(entities, return_inverse=True)
        place = np.full(self.batches.n_entities, -1, dtype=np.int64)
        place[unique] = np.arange(len(unique))
        known = np.zeros((len(distinct), len(unique)), dtype=bool)
        at = place[members[1]]
        known[members[0][at >= 0], at[at >= 0]] = True
        return known[np.searchsorted(distinct, label)][:, code]

    def loss(self, model: Model, rows: Tensor, relation: Tensor, at_relation: Tensor) -> Tensor:
        """The weighted term from the (2A, entity_width) rows that `wanted` asked for; `at_relation` are positions in `relation`."""
        drawn = self.drawn
        if drawn is None:
            raise RuntimeError("wanted() comes first")
        if self.settings.term in ("hr", "tr"):
            order = torch.argsort(at_relation, stable=True)
            make = model.query if self.settings.term == "hr" else model.back
            z = make(rows.index_select(0, order), relation, at_relation.index_select(0, order))
            place = order.numpy()
        else:
            z = model.as_head(rows) if self.settings.term == "h" else model.key(rows)
            place = np.arange(len(rows))
        label = torch.from_numpy(drawn.label[place])
        false = torch.from_numpy(drawn.false_negative[np.ix_(place, place)])
        return contrastive_loss(z, label, false, self.settings.temperature, self.settings.term_variant) * self.settings.term_weight


def make_term(settings: Settings, batches: Batches) -> ContrastiveTerm | None:
    """The term the settings ask for."""
    return None if settings.term == "none" or not settings.term_weight else ContrastiveTerm(settings, batches)
