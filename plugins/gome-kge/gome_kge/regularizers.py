"""Penalties a triple; the trainer divides their sum over a batch by its triples.

| name | penalty of (h, r, t) | source |
|---|---|---|
| F2 | sum of squares of h, r, t | Yang et al. 2015; Lacroix et al. 2018, eq. 3 |
| N3 | sum of cubes of the moduli of h, r, t | Lacroix et al. 2018, eq. 5 |
| DURA, RESCAL | |h|^2 + |t|^2 + |R^T h|^2 + |R t|^2 | Zhang et al., NeurIPS 2020, section 4.2 |
| DURA, others | 0.5 (|h|^2 + |t|^2) + 1.5 (|h o r|^2 + |t o r|^2) | the weights of its code for CP and ComplEx |

A question (h, r) with k tails stands for k triples, so what depends on h and r alone is computed once and counted k times.
"""

import torch
from torch import Tensor

from gome_kge.models import Model, Rescal

DURA_PLAIN, DURA_PRODUCT = 0.5, 1.5


def penalty(
    name: str,
    model: Model,
    heads: Tensor,
    queries: Tensor,
    count: Tensor,
    tails: Tensor,
    tail_relation: Tensor,
    relations: Tensor,
    which: Tensor,
) -> Tensor:
    """Sum of the penalty over the triples of a batch.

    Parameters
    ----------
    heads : (B, entity_width) rows of the questions' heads
    queries : (B, w) their question vectors
    count : (B,) tails of each question
    tails : (T, entity_width) a row a triple
    tail_relation : (T,) rows of `relations`, one a triple, runs of equal ones together
    relations : (m, relation_width)
    which : (B,) rows of `relations`, one a question
    """
    if name == "none":
        return heads.new_zeros(())
    if name == "dura":
        back = model.back(tails, relations, tail_relation)
        plain = _square(model.as_head(heads), count) + model.key(tails).square().sum()
        product = _square(queries, count) + back.square().sum()
        if isinstance(model, Rescal):
            return plain + product
        return DURA_PLAIN * plain + DURA_PRODUCT * product
    uses = torch.zeros(len(relations)).index_add_(0, which, count)
    if name == "f2":
        return _square(model.as_head(heads), count) + model.key(tails).square().sum() + _square(relations, uses)
    size = model.modulus
    head, tail = model.as_head(heads), model.key(tails)
    return (size(head).pow(3).sum(1) * count).sum() + size(tail).pow(3).sum() + (size(relations).pow(3).sum(1) * uses).sum()


def _square(rows: Tensor, count: Tensor) -> Tensor:
    return (rows.square().sum(1) * count).sum()
