"""Cross-entropy over candidates, forward and gradient in one pass, with the large products in bf16.

For question g with tails T_g (k_g of them) among candidates c with scores s_gc and log weights b_c:

    loss = sum_g ( k_g * log sum_c exp(s_gc + b_c)  -  sum_{t in T_g} s_gt )

which is the sum over triples of their 1-N softmax cross-entropy, computed once a question (with weights w_t a triple, k_g is their sum).
Shared negatives: true tails of the batch have b = 0, the n others that were drawn
stand for all E - m entities outside the batch, so b = log((E - m) / n) (importance weight of a uniform draw).

The gradient of a true tail is k p - 1, a small difference of numbers near one: bf16 would lose it. So true tails are taken out of the large
product and their scores, shares and gradients are computed in fp32.
"""

from typing import Any

import torch
from torch import Tensor


class CandidateSoftmax(torch.autograd.Function):
    """apply(queries (B, w), keys (C, w), tails (T, w), row (T,), column (T,), weight (T,), n_plain, bias, scale, dtype), where
    ``tails = keys[column]``."""

    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, keys: Tensor, tails: Tensor, row: Tensor, column: Tensor, weight: Tensor, n_plain: int, bias: float,
        scale: float, dtype: torch.dtype,
    ) -> Tensor:  # fmt: skip
        """Loss times `scale`. The first `n_plain` candidates have log weight 0, the others `bias`."""
        count = queries.new_zeros(len(queries)).index_add_(0, row, weight)
        q, e = queries.to(dtype), keys.to(dtype)
        logits = q @ e.T
        if bias and n_plain < len(keys):
            logits[:, n_plain:] += bias
        logits[row, column] = -torch.inf
        top = logits.amax(1, keepdim=True).float()
        share = torch.softmax(logits, 1)
        others = (top - share.amax(1, keepdim=True).float().log()).squeeze(1)
        if bool((top == -torch.inf).any()):  # every candidate is a true tail: happens on graphs with a handful of entities
            share.nan_to_num_(0.0)
            others = torch.where(top.squeeze(1) == -torch.inf, top.squeeze(1), others)
        asked = queries.index_select(0, row)
        true = (tails * asked).sum(1)
        peak = others.clone().scatter_reduce_(0, row, true, "amax")
        total = peak + ((others - peak).exp().index_add_(0, row, (true - peak[row]).exp())).log()
        pull = (count * (others - total).exp() * scale).unsqueeze(1)
        push = ((count[row] * (true - total[row]).exp() - weight) * scale).unsqueeze(1)
        grad_q = (share @ e).float().mul_(pull).index_add_(0, row, tails * push)
        grad_k = (share.T @ (queries * pull).to(dtype)).float()
        ctx.save_for_backward(grad_q, grad_k, asked.mul_(push))
        return ((count * total).sum() - (weight * true).sum()) * scale

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """The gradients computed on the way forward."""
        factor = float(grads[0])
        found = ctx.saved_tensors if factor == 1.0 else tuple(grad * factor for grad in ctx.saved_tensors)
        return *found, None, None, None, None, None, None, None


def candidate_loss(
    queries: Tensor, keys: Tensor, tails: Tensor, row: Tensor, column: Tensor, weight: Tensor, *,
    n_plain: int, bias: float, scale: float, dtype: torch.dtype,
) -> Tensor:  # fmt: skip
    """`CandidateSoftmax` with names for its arguments."""
    loss: Tensor = CandidateSoftmax.apply(queries, keys, tails, row, column, weight, n_plain, bias, scale, dtype)  # type: ignore[no-untyped-call]
    return loss
