"""One step: the loss of a batch and its gradients with respect to the rows it touches."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gome_kge.models import Model
from gome_kge.regularizers import penalty
from gome_kge.settings import Settings
from gome_kge.softmax import candidate_loss
from gome_kge.training.batches import Batch


@dataclass
class Rows:
    """The rows a step works on. Each part is a leaf of its own, so that gradients are added up once, by `entity_gradient`."""

    entity: Tensor
    """(n, entity_width) rows of the step's entity table, without history."""
    candidates: Tensor
    """Its first rows, which are compared with all questions."""
    heads: Tensor
    """(B, entity_width)"""
    tails: Tensor
    """(T, entity_width)"""
    extra: Tensor | None
    """Rows that a further term asked for."""
    relation: Tensor
    """(m, relation_width)"""


def leaves(tables: dict[str, Tensor], batch: Batch, entities: Tensor | None, relations: Tensor, extra: Tensor | None) -> Rows:
    """The rows of a batch; `entities` None is the whole table, `extra` are positions of further rows in it."""
    entity = tables["entity"] if entities is None else tables["entity"].index_select(0, entities)
    candidates = entity.detach() if batch.entities is None else entity[: batch.n_candidates].detach()
    return Rows(
        entity, candidates.requires_grad_(), entity.index_select(0, batch.head).requires_grad_(),
        entity.index_select(0, batch.column).requires_grad_(), None if extra is None else entity.index_select(0, extra).requires_grad_(),
        tables["relation"].index_select(0, relations).requires_grad_(),
    )  # fmt: skip


def entity_gradient(rows: Rows, batch: Batch, extra: Tensor | None) -> Tensor:
    """(n, entity_width): the gradients of all parts added up."""
    grad = rows.candidates.grad
    if grad is None:
        raise RuntimeError("no gradient: backward() comes first")
    if len(grad) < len(rows.entity):
        grad = torch.cat([grad, grad.new_zeros(len(rows.entity) - len(grad), grad.shape[1])])
    for part, at in ((rows.heads, batch.head), (rows.tails, batch.column), (rows.extra, extra)):
        if part is not None and at is not None and part.grad is not None:
            grad.index_add_(0, at, part.grad)
    return grad


def losses(model: Model, settings: Settings, rows: Rows, batch: Batch, whole: Batch | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """(cross-entropy, penalty, relation prediction) of `batch`, the last two with their weights.

    Per triple of the batch, or of the `whole` batch that it is one process's share of.
    """
    whole = whole or batch
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
    queries = model.query(rows.heads, rows.relation, batch.relation)
    fit = candidate_loss(
        queries, model.key(rows.candidates), model.key(rows.tails), batch.row, batch.column, batch.weight,
        n_plain=batch.n_plain, bias=batch.bias,
        scale=1.0 / float(whole.weight.sum()), dtype=dtype,
    )  # fmt: skip
    cost = guess = fit.new_zeros(())
    if settings.weight and settings.regularizer != "none":
        asked = batch.relation[batch.row]
        total = penalty(settings.regularizer, model, rows.heads, queries, batch.count, rows.tails, asked, rows.relation, batch.relation)
        cost = total * (settings.weight / whole.triples)
    if settings.relation_prediction:
        row, tails = (batch.row, rows.tails) if batch.pairs is None else (batch.row[batch.pairs], rows.tails.index_select(0, batch.pairs))
        scores = model.relation_scores(rows.heads.index_select(0, row), tails, rows.relation, dtype)
        missed = torch.nn.functional.cross_entropy(scores, batch.relation[row], reduction="sum")
        guess = missed * (settings.relation_prediction / whole.n_pairs)
    return fit, cost, guess
