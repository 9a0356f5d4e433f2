"""What the time after the trials goes to: further members of an ensemble."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gome_kge.data.graph import KnowledgeGraph
from gome_kge.progress import Told, after_epoch, name_of
from gome_kge.settings import Settings
from gome_kge.store import Embedding
from gome_kge.training.curves import curves
from gome_kge.training.trainer import Diverged, Trainer
from gome_kge.trials import side_by_side
from gome_kge.validation import validator

RESERVE_SHARE, RESERVE_SECONDS = 0.1, (4.0, 240.0)
"""Of the time, within these bounds (but never more than half), for evaluation and saving."""
RULES_SHARE, RULES_SECONDS = 0.15, 300.0
"""Of the usable time, at most so much, for mining and weighing rules."""
AGAIN = 5
"""Other seeds of the best recipe, at most."""


def _usable(seconds: float) -> float:
    """What training may take of the whole time."""
    least, most = RESERVE_SECONDS
    return seconds - min(seconds / 2, max(least, min(most, seconds * RESERVE_SHARE)))


@dataclass
class Clock:
    """The wall time of a training, earlier parts of a resumed one included."""

    began: float
    before: float
    whole: float | None

    @property
    def spent(self) -> float:
        return self.before + time.monotonic() - self.began

    def left(self, *, rules: bool) -> float | None:
        """Seconds until what is usable is over, without the time that `rules` will need; None: no limit."""
        if self.whole is None:
            return None
        usable = _usable(self.whole)
        return max(0.0, usable - rules * min(RULES_SECONDS, RULES_SHARE * usable) - self.spent)


def queue(first: Settings, others: list[Settings]) -> list[Settings]:
    """Further members, most promising first: the recipes that came next, and the best one with other seeds."""
    again = [first.model_copy(update={"seed": first.seed + number}) for number in range(1, 1 + AGAIN)]
    return [*others[:1], *again[:2], *others[1:2], *again[2:]]


@dataclass
class More:
    """Trains further members, each as long as there is time; several threads may at once."""

    graph: KnowledgeGraph
    runner_up: Trainer | None
    """The recipe that came second goes on from where its trial ended, if it is still at hand."""
    clock: Clock
    told: Told
    log: Path | None
    slowest: float = 0.0
    """Seconds that a member took: with less than half of that left, none is begun."""

    def train(self, number: int, settings: Settings, stop: Callable[[], bool]) -> Embedding | None:
        """Member `number`, or None where the time is over or it diverged."""
        left = self.clock.left(rules=True)
        if left is None or left <= 0.5 * self.slowest or stop():
            return None
        name = f"one more, {name_of(settings)}, seed {settings.seed}"
        self.told(f"training {name}")
        began = time.monotonic()
        if self.runner_up is not None and self.runner_up.settings == settings:
            trainer = self.runner_up
        else:
            trainer = Trainer(self.graph.train, self.graph.n_entities, self.graph.n_relations, settings)
        with curves(self.log and self.log / f"member-{number}") as draw:
            after = partial(after_epoch, until=time.monotonic() + left, told=lambda text: self.told(f"{name}: {text}"), draw=draw)
            try:
                trainer.fit(validator(self.graph, settings.valid_sample), seconds=left, told=after, stop=stop)
            except Diverged:
                return None
        self.slowest = max(self.slowest, time.monotonic() - began)
        return Embedding(settings, trainer.chosen, trainer.history.best)


def train_members(first: Callable[..., Embedding], further: list[Settings], more: More, workers: int) -> list[Embedding]:
    """The first member and those that there is time for, `workers` at once."""
    with side_by_side(workers) as (pool, stop):
        began = time.monotonic()
        begun = pool.submit(first, stop=stop)
        if workers == 1:
            begun.result()
            more.slowest = time.monotonic() - began
        others = [pool.submit(more.train, number, settings, stop) for number, settings in enumerate(further, 1)]
        found = [future.result() for future in others]
        return [begun.result(), *(member for member in found if member is not None)]
