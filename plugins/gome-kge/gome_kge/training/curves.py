"""The curves of a training as TensorBoard events (extra ``tensorboard``): losses, CPU seconds an epoch, validation MRR."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from gome_graph.errors import TaskError
from gome_kge.training.trainer import Trainer

LOSSES = {"loss": "loss/cross-entropy", "penalty": "loss/penalty", "other": "loss/other", "cpu_seconds": "time/cpu seconds an epoch"}
VALIDATION = "validation/MRR"


@contextlib.contextmanager
def curves(folder: Path | None) -> Iterator[Callable[[Trainer], None]]:
    """What is called after each epoch, with what is new; nothing happens where `folder` is None.

    A training that is resumed writes one more file into the same folder, from the epoch on that it goes on with.

    Raises
    ------
    TaskError
        If TensorBoard is not installed.
    """
    if folder is None:
        yield lambda trainer: None
        return
    check_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    told = 0

    def draw(trainer: Trainer) -> None:
        nonlocal told
        for epoch in trainer.history.epochs[told:]:
            for name, title in LOSSES.items():
                writer.add_scalar(title, epoch[name], int(epoch["epoch"]))
        last = int(trainer.history.epochs[told - 1]["epoch"]) if told else 0
        for look in trainer.history.looks:
            if look["epoch"] > last:
                writer.add_scalar(VALIDATION, look["mrr"], int(look["epoch"]))
        told = len(trainer.history.epochs)
        writer.flush()

    try:
        yield draw
    finally:
        writer.close()


def check_tensorboard() -> None:
    """Raise a `TaskError` that says how to install it, where it is missing."""
    try:
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise TaskError("TensorBoard is not installed; pip install 'gome-kge[tensorboard]', or leave --tensorboard out.") from error
