"""The policy: a hidden layer for the request, a vector and a bias for each action, softmax over the candidates at hand."""

from pathlib import Path
from typing import Any

import numpy as np

from gome_graph.errors import PluginError, TaskError
from gome_guard.arrays import UNREADABLE, load_arrays, save_arrays
from gome_guard.log import Array

try:
    import torch
    from torch import nn
except ImportError as error:  # pragma: no cover - depends on the installation
    raise PluginError("Learning policies needs torch; install it: pip install 'gome-guard[torch]'.") from error

HIDDEN = 128
"""Width of the hidden layer; the features are reduced already."""
FORMAT = 1


class Network(nn.Module):
    """Scores of candidates: ``s(x, a) = h(x) . E_a + c_a`` with ``h = relu(W x + b)``; also used as reward model (sigmoid of s)."""

    def __init__(self, dimensions: int, actions: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.encoder = nn.Linear(dimensions, hidden)
        self.action = nn.Embedding(actions, hidden)
        self.bias = nn.Embedding(actions, 1)
        nn.init.normal_(self.action.weight, std=hidden**-0.5)
        nn.init.zeros_(self.bias.weight)

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """(n, d) -> (n, hidden)."""
        out: torch.Tensor = torch.relu(self.encoder(x))
        return out

    def scores(self, h: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """(n, hidden), (n, k) codes -> (n, k); minus infinity at padding (-1)."""
        index = candidates.clamp(min=0)
        raw: torch.Tensor = torch.einsum("nh,nkh->nk", h, self.action(index)) + self.bias(index).squeeze(-1)
        return raw.masked_fill(candidates < 0, float("-inf"))

    def forward(self, x: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """Scores (n, k)."""
        return self.scores(self.hidden(x), candidates)

    @torch.no_grad()
    def probabilities(self, x: Array, candidates: Array, *, copies: int = 0, sigma: float = 0.0, seed: int = 0) -> Array:
        """(n, k) probabilities; with `copies`, (copies, n, k) with Gaussian noise on the hidden representation.

        `sigma` is in units of the representation's root mean square over the rows, so that it means the same for every network.
        """
        self.eval()
        h, index = self.hidden(tensor(x)), torch.as_tensor(candidates, dtype=torch.long)
        if not copies:
            return np.asarray(torch.softmax(self.scores(h, index), -1).numpy(), dtype=np.float64)
        generator = torch.Generator().manual_seed(seed)
        scale = sigma * h.pow(2).mean().sqrt()
        noisy = [torch.softmax(self.scores(h + scale * torch.randn(h.shape, generator=generator), index), -1) for _ in range(copies)]
        return np.asarray(torch.stack(noisy).numpy(), dtype=np.float64)


def tensor(x: Array) -> torch.Tensor:
    """A float32 tensor."""
    return torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32)


def save(
    path: Path, network: Network, actions: tuple[str, ...], extra: dict[str, Array] | None = None, meta: dict[str, Any] | None = None
) -> None:
    """Write a network and its actions as plain arrays (``.npz``, no pickle), whole or not at all."""
    arrays = {f"net.{name}": value.detach().numpy() for name, value in network.state_dict().items()}
    save_arrays(path, {"format": FORMAT, "actions": actions, **(meta or {})}, {**arrays, **(extra or {})})


def load(path: Path) -> tuple[Network, tuple[str, ...], dict[str, Array], dict[str, Any]]:
    """What `save` wrote: network, actions, extra arrays, meta.

    Raises
    ------
    TaskError
        If it is no such file.
    """
    try:
        arrays, meta = load_arrays(path)
        actions = tuple(meta.pop("actions"))
        state = {name.removeprefix("net."): torch.as_tensor(value) for name, value in arrays.items() if name.startswith("net.")}
        hidden, dimensions = state["encoder.weight"].shape
        network = Network(dimensions, len(actions), hidden)
        network.load_state_dict(state)
    except (*UNREADABLE, RuntimeError) as error:
        raise TaskError(f"{path} is not a policy that `gome guard train` wrote ({error}).") from error
    return network, actions, {name: value for name, value in arrays.items() if not name.startswith("net.")}, meta
