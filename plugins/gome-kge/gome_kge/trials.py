"""Which recipe suits a graph: several are tried at once, validation decides."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from math import ceil

import torch

from gome_kge.data.graph import KnowledgeGraph
from gome_kge.progress import Told, line, name_of
from gome_kge.settings import Settings
from gome_kge.training.trainer import Diverged, Trainer, Validate
from gome_kge.validation import validator

MOST_WORKERS = 4
"""Trainings at once; each needs memory for its own parameters, three times over."""


def choose(graph: KnowledgeGraph, tried: list[Settings], seconds: float, told: Told, workers: int = 1) -> list[Trainer]:
    """Successive halving by time: all recipes get the same seconds, the better half goes on from where it stands.

    Each rung costs the same in all; validation alone decides. Returns all of them, the winner first. `workers` are trained at once.
    """
    validate = validator(graph, tried[0].valid_sample)
    field = [Trainer(graph.train, graph.n_entities, graph.n_relations, settings) for settings in tried]
    out: list[Trainer] = []
    rungs = max(1, (len(field) - 1).bit_length())
    while len(field) > 1:
        slot = seconds / rungs / ceil(len(field) / workers)
        scores = []
        with side_by_side(workers) as (pool, stop):
            train = partial(_slot, seconds=slot, validate=validate, told=told, stop=stop)
            for trainer, value in zip(field, pool.map(train, field), strict=True):
                scores.append((value, trainer))
                told(f"trying {name_of(trainer.settings)}: validation MRR {value:.4f} after {trainer.epoch} epochs")
        scores.sort(key=lambda pair: -pair[0])
        field = [trainer for _, trainer in scores]
        half = (len(field) + 1) // 2
        field, out = field[:half], field[half:] + out
    return field + out


@contextmanager
def side_by_side(workers: int) -> Iterator[tuple[ThreadPoolExecutor, Callable[[], bool]]]:
    """(a pool, whether to stop): trainings in threads that share torch's threads among them; an exception stops those that run.

    A second thread gains one training next to nothing, for its steps are many small operations: on two cores (FB15k-237, ComplEx 500) an
    epoch took 37 s with one thread, 39 with two, and two trainings at once made one every 24 s.
    """
    stop = threading.Event()
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // workers))
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield pool, stop.is_set
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            torch.set_num_threads(threads)


def _slot(trainer: Trainer, seconds: float, validate: Validate, told: Told, stop: Callable[[], bool]) -> float:
    """Train for `seconds` more, and look; a recipe that diverges is worth nothing."""
    deadline = time.monotonic() + seconds

    def late() -> bool:
        return stop() or time.monotonic() > deadline

    try:
        while not late() and trainer.stale < trainer.settings.patience:
            complete = trainer.run_epoch(late)
            if complete and trainer.epoch % trainer.settings.valid_every == 0:
                trainer.look(validate)
            if complete:
                told(f"on trial, {name_of(trainer.settings)}: {line(trainer, max(0.0, deadline - time.monotonic()))}")
        trainer.look(validate)
    except Diverged:
        return -1.0
    return trainer.history.best
