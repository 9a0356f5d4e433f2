"""Adagrad and AdamW on some rows of a table, a cache-sized piece at a time."""

from typing import Protocol

import torch
from torch import Tensor

PIECE = 1 << 17
"""Numbers updated at once: with gradient and state they stay in a core's second-level cache."""
EPSILON = 1e-10


class Optimizer(Protocol):
    """Moves rows of named tables against their gradients and keeps what it needs for that in `state`."""

    state: dict[str, Tensor]

    def step(self, name: str, table: Tensor, rows: Tensor | None, grad: Tensor) -> None:
        """Update `table` in place; `rows` (n,) distinct, or None for all."""


def _pieces(rows: int, width: int) -> list[slice]:
    size = max(1, PIECE // max(1, width))
    return [slice(begin, begin + size) for begin in range(0, rows, size)]


class Adagrad:
    """G += g^2, x -= lr g / sqrt(G) (Duchi et al., JMLR 2011). Untouched rows cost nothing, which for Adagrad is exact."""

    def __init__(self, tables: dict[str, Tensor], lr: float) -> None:
        self.lr = lr
        self.state = {name: torch.zeros_like(table) for name, table in tables.items()}

    def step(self, name: str, table: Tensor, rows: Tensor | None, grad: Tensor) -> None:
        total = self.state[name]
        for piece in _pieces(len(grad), grad.shape[1]):
            g = grad[piece]
            if rows is None:
                t = total[piece]
                t.addcmul_(g, g)
                table[piece].addcdiv_(g, t.sqrt().add_(EPSILON), value=-self.lr)
                continue
            at = rows[piece]
            t = total.index_select(0, at).addcmul_(g, g)
            total.index_copy_(0, at, t)
            table.index_add_(0, at, g / t.sqrt_().add_(EPSILON), alpha=-self.lr)


class AdamW:
    """Adam with decoupled decay (Loshchilov & Hutter, ICLR 2019); rows that a step does not touch keep their moments ("lazy")."""

    def __init__(self, tables: dict[str, Tensor], lr: float, decay: float, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self.lr, self.decay, self.betas = lr, decay, betas
        self.state = {f"{name}.{moment}": torch.zeros_like(table) for name, table in tables.items() for moment in ("first", "second")}
        self.state.update({f"{name}.steps": torch.zeros(len(table)) for name, table in tables.items()})

    def step(self, name: str, table: Tensor, rows: Tensor | None, grad: Tensor) -> None:
        first, second, steps = (self.state[f"{name}.{part}"] for part in ("first", "second", "steps"))
        every = torch.arange(len(table)) if rows is None else rows
        for piece in _pieces(len(grad), grad.shape[1]):
            g, at = grad[piece], every[piece]
            count = steps.index_select(0, at) + 1
            m = first.index_select(0, at).lerp_(g, 1 - self.betas[0])
            v = second.index_select(0, at).mul_(self.betas[1]).addcmul_(g, g, value=1 - self.betas[1])
            steps.index_copy_(0, at, count)
            first.index_copy_(0, at, m)
            second.index_copy_(0, at, v)
            scale = (1 - self.betas[1] ** count).sqrt() / (1 - self.betas[0] ** count)
            x = table.index_select(0, at).mul_(1 - self.lr * self.decay)
            x.addcdiv_(m * scale.unsqueeze(1), v.sqrt_().add_(1e-8), value=-self.lr)
            table.index_copy_(0, at, x)


def make_optimizer(name: str, tables: dict[str, Tensor], lr: float, decay: float) -> Optimizer:
    """``adagrad`` or ``adamw``."""
    return Adagrad(tables, lr) if name == "adagrad" else AdamW(tables, lr, decay)
