"""Several processes that train one model: each takes its share of every batch's questions, gradients are added up, all move alike.

Every process draws the same batch from the same seed, so the rows that a step touches, and with them the shapes of its gradients, are the
same everywhere: one sum over the processes (`torch.distributed.all_reduce`) of gradients that are as small as the batch, not the model. The
sum is the gradient of the whole batch, so that two processes learn what one learns, up to rounding.

Processes find each other by the variables that ``torchrun`` sets (``RANK``, ``WORLD_SIZE``, ``MASTER_ADDR``, ``MASTER_PORT``), on one
machine or many; `local_group` starts them on this one.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from gome_graph.errors import GomeError
from gome_kge.training.batches import Batch

WAIT = timedelta(minutes=30)
"""Longest silence of the others: one of them may be looking at a large validation split."""
END_SECONDS = 30.0
"""How long the others may take to end after the first process has."""


class ProcessLost(GomeError):
    """Another process of the training ended or cannot be reached."""


@dataclass(frozen=True)
class Group:
    """One process's place among those that train together. The first one validates, saves and speaks."""

    rank: int
    size: int

    @property
    def first(self) -> bool:
        return self.rank == 0

    def add(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size == 1:
            return tensor
        with _lost():
            dist.all_reduce(tensor)
        return tensor

    def agree(self, value: float) -> float:
        """The first process's value."""
        if self.size == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64)
        with _lost():
            dist.broadcast(told, src=0)
        return float(told)

    @staticmethod
    def _pairs(pairs: Tensor | None, tails: slice) -> Tensor | None:
        return None if pairs is None else pairs[(pairs >= tails.start) & (pairs < tails.stop)] - tails.start

    def share(self, batch: Batch) -> Batch:
        """This process's questions of a batch; the rows of the step stay those of the whole batch."""
        if self.size == 1:
            return batch
        bounds = np.linspace(0, len(batch.head), self.size + 1).astype(int)
        begin, end = int(bounds[self.rank]), int(bounds[self.rank + 1])
        row = batch.row.numpy()
        first, last = np.searchsorted(row, [begin, end])
        questions, tails = slice(begin, end), slice(int(first), int(last))
        return replace(
            batch, head=batch.head[questions], relation=batch.relation[questions], count=batch.count[questions],
            weight=batch.weight[tails], row=batch.row[tails] - begin, column=batch.column[tails], head_ids=batch.head_ids[questions],
            relation_ids=batch.relation_ids[questions], tail_ids=batch.tail_ids[tails], pairs=self._pairs(batch.pairs, tails),
        )  # fmt: skip


ALONE = Group(0, 1)
"""One process, which has nobody to ask."""


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    """What torch says of a lost connection, as one sentence."""
    try:
        yield
    except RuntimeError as error:
        raise ProcessLost(f"Another process of this training ended or cannot be reached ({str(error).splitlines()[0][:200]}).") from error


@contextlib.contextmanager
def joined() -> Iterator[Group]:
    """The group that the environment names, joined; `ALONE` where it names none."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size < 2:
        yield ALONE
        return
    with _lost():
        dist.init_process_group("gloo", timeout=WAIT)
    try:
        yield Group(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


@contextlib.contextmanager
def local_group(size: int, command: Sequence[str]) -> Iterator[None]:
    """Start `size` - 1 further processes with `command` on this machine and make this one the first of them.

    Raises
    ------
    ProcessLost
        If one of them fails.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    others = [
        subprocess.Popen(command, env={**os.environ, **address, "RANK": str(rank)}, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        for rank in range(1, size)
    ]
    before = {name: os.environ.get(name) for name in (*address, "RANK")}
    os.environ.update(address, RANK="0")
    try:
        yield
        for other in others:
            if code := other.wait(END_SECONDS):
                raise ProcessLost(f"One of the {size} training processes ended with exit code {code}.")
    except subprocess.TimeoutExpired as error:
        raise ProcessLost(f"One of the {size} training processes did not end within {END_SECONDS:g} s after the first.") from error
    finally:
        for other in others:
            if other.poll() is None:
                other.kill()
                other.wait()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
