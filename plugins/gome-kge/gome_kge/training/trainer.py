"""The training loop: epochs of steps, looks at validation, checkpoints that a killed process resumes from."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gome_graph.errors import GomeError, RunError
from gome_kge.contrastive import make_term
from gome_kge.data.graph import Triples
from gome_kge.data.index import Ints
from gome_kge.models import make_model
from gome_kge.settings import Settings
from gome_kge.training import checkpoint
from gome_kge.training.batches import Batch, Batches
from gome_kge.training.optim import make_optimizer
from gome_kge.training.parallel import ALONE, Group
from gome_kge.training.step import entity_gradient, leaves, losses

Validate = Callable[["Trainer"], float]
"""A trainer to its validation MRR."""

SAVE_SECONDS = 60.0
"""A checkpoint is written at most this often, but always at the end."""


class Diverged(GomeError):
    """The loss is no number any more."""


@dataclass
class History:
    """What happened, epoch by epoch; it goes into checkpoints and into the report."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    looks: list[dict[str, float]] = field(default_factory=list)
    """Validation: epoch, mrr, cpu_seconds."""

    @property
    def best(self) -> float:
        return max((look["mrr"] for look in self.looks), default=-1.0)


def _extended(have: Tensor | None, wanted: Ints, size: int) -> tuple[Tensor | None, Tensor]:
    """`have` followed by the wanted ids it lacks, and the positions of the wanted ones; None stands for all ids in order."""
    if have is None:
        return None, torch.from_numpy(wanted)
    ids = have.numpy()
    place = np.full(size, -1, dtype=np.int64)
    place[ids] = np.arange(len(ids))
    new = np.unique(wanted[place[wanted] < 0])
    place[new] = len(ids) + np.arange(len(new))
    return torch.from_numpy(np.concatenate([ids, new])), torch.from_numpy(place[wanted])


class Trainer:
    """Trains on train triples; it is never given others. Validation comes in as a function that returns a number.

    With a `group`, all its processes must be given the same and called alike; the first one alone validates and saves.
    """

    def __init__(self, train: Triples, n_entities: int, n_relations: int, settings: Settings, group: Group = ALONE) -> None:
        self.settings, self.group = settings, group
        self.n_entities, self.n_relations = n_entities, n_relations
        self.model = make_model(settings.model, settings.rank)
        self.tables = self.model.initial(n_entities, 2 * n_relations, settings.init_scale, settings.seed)
        self.best: dict[str, Tensor] | None = None
        self.optimizer = make_optimizer(settings.optimizer, self.tables, settings.lr, settings.decay)
        self.batches = Batches(train, n_entities, n_relations, settings)
        self.term = make_term(settings, self.batches)
        self.history = History()
        self.epoch = 0
        self.cpu_seconds = 0.0
        self._sums: dict[str, Tensor] = {}
        self._touched: dict[str, Tensor] = {}

    def step(self, batch: Batch, rng: np.random.Generator) -> tuple[float, float, float]:
        """One batch; (cross-entropy, penalty, other terms) per triple."""
        entities, relations = batch.entities, batch.relations
        at_entity = at_relation = None
        if self.term is not None:
            more_entities, more_relations = self.term.wanted(batch, rng)
            entities, at_entity = _extended(entities, more_entities, self.n_entities)
            extended, at_relation = _extended(relations, more_relations, 2 * self.n_relations)
            relations = relations if extended is None else extended
        mine = self.group.share(batch)
        rows = leaves(self.tables, mine, entities, relations, at_entity)
        fit, cost, other = losses(self.model, self.settings, rows, mine, batch)
        if self.term is not None and rows.extra is not None and at_relation is not None:
            # Every process computes all of it: the term compares all anchors with each other and is a small part of the work.
            other = other + self.term.loss(self.model, rows.extra, rows.relation, at_relation) / self.group.size
        total: Tensor = fit + cost + other
        total.backward()  # type: ignore[no-untyped-call]
        of_relations = rows.relation.grad
        if of_relations is None:  # a share of no questions
            of_relations = torch.zeros_like(rows.relation)
        of_entities = entity_gradient(rows, mine, at_entity)
        self._apply({"entity": (entities, self.group.add(of_entities)), "relation": (relations, self.group.add(of_relations))})
        return fit.item(), cost.item(), other.item()

    def _apply(self, found: dict[str, tuple[Tensor | None, Tensor]]) -> None:
        """Move the parameters, or add the gradients up for `_flush`."""
        if self.settings.accumulate == 1:
            for name, (at, grad) in found.items():
                self.optimizer.step(name, self.tables[name], at, grad)
            return
        for name, (at, grad) in found.items():
            if name not in self._sums:
                self._sums[name] = torch.zeros_like(self.tables[name])
                self._touched[name] = torch.zeros(len(self.tables[name]), dtype=torch.bool)
            where = torch.arange(len(self.tables[name])) if at is None else at
            self._sums[name].index_add_(0, where, grad, alpha=1.0 / self.settings.accumulate)
            self._touched[name][where] = True

    def _flush(self) -> None:
        for name, total in self._sums.items():
            at = self._touched[name].nonzero().squeeze(1)
            self.optimizer.step(name, self.tables[name], at, total.index_select(0, at))
        self._sums.clear()

    def run_epoch(self, stop: Callable[[], bool] | None = None) -> bool:
        """One epoch; False if `stop` ended it early (what was learnt stays).

        Raises
        ------
        Diverged
            If the loss stops being a number.
        """
        alone = threading.current_thread() is threading.main_thread()
        clock = time.process_time if alone else time.thread_time  # members that are trained side by side are counted apart
        began = clock()
        sums = np.zeros(3)
        triples = 0
        complete = True
        for number, (batch, rng) in enumerate(self.batches.epoch(self.epoch), 1):
            parts = self.step(batch, rng)
            late = stop is not None and stop()
            told = self.group.add(torch.tensor([*parts, late], dtype=torch.float64)).numpy()
            found, late = told[:3], told[3] > 0  # whoever sees that the time is up stops all of them after the same step
            if self.settings.accumulate > 1 and (number % self.settings.accumulate == 0 or number == len(self.batches)):
                self._flush()
            if not np.isfinite(found).all():
                raise Diverged(
                    f"The loss became NaN in epoch {self.epoch + 1}; train again with a smaller learning rate "
                    f"(now {self.settings.lr}) or in fp32."
                )
            sums += found * batch.triples
            triples += batch.triples
            if late:
                complete = False
                break
        self.epoch += 1
        spent = clock() - began
        self.cpu_seconds += spent
        mean = sums / max(1, triples)
        self.history.epochs.append(
            {
                "epoch": self.epoch,
                "loss": float(mean[0]),
                "penalty": float(mean[1]),
                "other": float(mean[2]),
                "cpu_seconds": round(spent, 3),
            }
        )
        return complete

    def look(self, validate: Validate) -> float:
        """Ask for the validation MRR, keep the parameters if it is the best so far."""
        value = self.group.agree(validate(self) if self.group.first else 0.0)
        if value > self.history.best:
            self.best = {name: table.clone() for name, table in self.tables.items()}
        self.history.looks.append({"epoch": self.epoch, "mrr": round(value, 6), "cpu_seconds": round(self.cpu_seconds, 2)})
        return value

    @property
    def stale(self) -> int:
        """Looks since the best one."""
        values = [look["mrr"] for look in self.history.looks]
        return len(values) - 1 - values.index(max(values)) if values else 0

    @property
    def chosen(self) -> dict[str, Tensor]:
        """The parameters of the best look, or the present ones."""
        return self.best if self.best is not None else self.tables

    def fit(
        self,
        validate: Validate | None = None,
        *,
        seconds: float | None = None,
        folder: Path | None = None,
        told: Callable[["Trainer"], None] | None = None,
        save_seconds: float = SAVE_SECONDS,
        stop: Callable[[], bool] = lambda: False,
    ) -> "Trainer":
        """Train up to `settings.epochs`, until validation stops improving or `seconds` of wall time are over.

        With `folder`, checkpoints go to ``checkpoint.safetensors`` in it; `resume` first takes one up. What is learnt does not depend on
        how
        often it was interrupted (time limits aside). `stop` ends it after the step in hand, like the time limit.
        """
        deadline = time.monotonic() + self.group.agree(math.inf if seconds is None else seconds)
        saved = time.monotonic()

        def late() -> bool:
            return stop() or time.monotonic() > deadline

        while self.epoch < self.settings.epochs and (validate is None or self.stale < self.settings.patience):
            complete = self.run_epoch(late)
            last = self.epoch >= self.settings.epochs or not complete
            if validate is not None and (self.epoch % self.settings.valid_every == 0 or last):
                self.look(validate)
            if told is not None:
                told(self)
            if folder is not None and (last or time.monotonic() - saved > save_seconds):
                self.save(folder)
                saved = time.monotonic()
            if not complete or self.group.agree(late()):
                break
        if (
            validate is not None
            and (not self.history.looks or self.history.looks[-1]["epoch"] != self.epoch)
            and self.stale < self.settings.patience
        ):
            self.look(validate)
        if folder is not None:
            self.save(folder)
        return self

    def save(self, folder: Path) -> None:
        """Write the checkpoint; in a group the first process does."""
        if not self.group.first:
            return
        tensors = {f"table.{name}": table for name, table in self.tables.items()}
        tensors.update({f"state.{name}": table for name, table in self.optimizer.state.items()})
        tensors.update({f"best.{name}": table for name, table in (self.best or {}).items()})
        header: dict[str, Any] = {
            "settings": self.settings.model_dump(), "epoch": self.epoch, "cpu_seconds": self.cpu_seconds, "epochs": self.history.epochs,
            "looks": self.history.looks, "entities": self.n_entities, "relations": self.n_relations,
        }  # fmt: skip
        checkpoint.write(folder / "checkpoint.safetensors", tensors, header)

    def resume(self, folder: Path) -> bool:
        """Take up the checkpoint of `folder`; False if there is none or it belongs to other settings or data.

        Raises
        ------
        RunError
            If the processes of a group do not all see the same one.
        """
        found = self._take_up(folder / "checkpoint.safetensors")
        if self.group.agree(self.epoch) != self.epoch:
            raise RunError(f"The processes of this training do not see the same {folder}; it must be on a disk that all of them share.")
        return found

    def _take_up(self, path: Path) -> bool:
        if not path.is_file():
            return False
        tensors, header = checkpoint.read(path)
        mine = self.settings.model_dump()
        same = {**header["settings"], "epochs": 0} == {**mine, "epochs": 0}
        if not same or (header["entities"], header["relations"]) != (self.n_entities, self.n_relations):
            return False
        for name in self.tables:
            self.tables[name] = tensors[f"table.{name}"]
        for name in self.optimizer.state:
            self.optimizer.state[name] = tensors[f"state.{name}"]
        best = {name: tensors[f"best.{name}"] for name in self.tables if f"best.{name}" in tensors}
        self.best = best or None
        self.history = History(header["epochs"], header["looks"])
        self.epoch, self.cpu_seconds = header["epoch"], header["cpu_seconds"]
        return True
