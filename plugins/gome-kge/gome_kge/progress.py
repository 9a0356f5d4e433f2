"""What a training tells while it goes on."""

import time
from collections.abc import Callable

from gome_kge.settings import Settings
from gome_kge.training.trainer import Trainer

Told = Callable[[str], None]


def line(trainer: Trainer, seconds: float | None = None) -> str:
    """One line about where a training stands, with an estimate of what is left."""
    last = trainer.history.epochs[-1]
    text = f"epoch {trainer.epoch}, loss {last['loss']:.3f}"
    if trainer.history.looks:
        text += f", validation MRR {trainer.history.looks[-1]['mrr']:.4f} (best {trainer.history.best:.4f})"
    left = (trainer.settings.epochs - trainer.epoch) * trainer.cpu_seconds / max(1, len(trainer.history.epochs))
    return f"{text}, at most {left if seconds is None else min(left, seconds):.0f} s to go"


def after_epoch(trainer: Trainer, *, until: float | None, told: Told, draw: Callable[[Trainer], None]) -> None:
    """What follows an epoch: a line for people, a point on the curves. `until`: when the training is cut off (`time.monotonic`)."""
    told(line(trainer, until and max(0.0, until - time.monotonic())))
    draw(trainer)


def name_of(settings: Settings) -> str:
    """A recipe in a few words."""
    text = f"{settings.model} {settings.rank}, {settings.regularizer} {settings.weight:g}"
    return text + (f", relation prediction {settings.relation_prediction:g}" if settings.relation_prediction else "")
