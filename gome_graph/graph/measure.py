"""The arrays behind a step's pack, read from what validation has checked."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gome_graph.run import StepDirectory
from gome_graph.task import FormatError, Measured, PreparedTask

Array = NDArray[Any]


def measure(prepared: PreparedTask, folder: StepDirectory, script: str) -> Measured:
    """Collect what a diagnoser may look at; predictions are None if the step has no valid ones."""
    prediction = checked_prediction(folder, len(prepared.truth))
    return Measured(
        frame=prepared.train_frame(), truth=prepared.truth, prediction=prediction, folds=prepared.folds, metric=prepared.metric,
        format=prepared.format, row_losses=None if prediction is None else row_losses(prepared, prediction),
        probabilities=None if prediction is None else class_probabilities(prepared, folder), script=script, test=prepared.test_frame(),
    )  # fmt: skip


def checked_prediction(folder: StepDirectory, rows: int) -> Array | None:
    """The out-of-fold predictions as validation read them (``oof.npy``, written by the controller after the script had ended)."""
    path = folder.workspace / "oof.npy"
    if path.is_symlink() or not path.is_file():
        return None
    try:
        values = np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError):
        return None
    return values if len(values) == rows else None


def row_losses(prepared: PreparedTask, prediction: Array) -> Array:
    """The metric's own row losses; where it does not decompose: 0/1 error, squared error or log loss, averaged over targets."""
    own = prepared.metric.row_losses(prepared.truth, prediction)
    if own is not None:
        return own
    truth, kind = prepared.truth, prepared.format.kind
    if kind == "label":
        loss = (truth != prediction).astype(float)
    elif kind == "probability":
        p = np.clip(prediction, 1e-6, 1 - 1e-6)
        loss = -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
    elif kind == "probabilities":
        loss = -np.log(np.clip(prediction[np.arange(len(truth)), truth], 1e-6, 1))
    else:
        loss = (truth - prediction) ** 2
    flat: Array = loss if loss.ndim == 1 else loss.mean(axis=1)
    return flat


def class_probabilities(prepared: PreparedTask, folder: StepDirectory) -> Array | None:
    """What ``oof_proba.csv`` holds, aligned to the training rows; None if it is missing or does not fit (it is only a help)."""
    path = folder.output / "oof_proba.csv"
    classes = prepared.format.classes
    if not path.is_file() or path.is_symlink() or not classes:
        return None
    try:
        frame = pd.read_csv(path, dtype={prepared.format.id_column: str})
        if frame[prepared.format.id_column].tolist() != prepared.train_ids.tolist():  # the scripts of the rules keep the order
            frame = frame.set_index(prepared.format.id_column).loc[prepared.train_ids]
        values = frame[classes].to_numpy(float)
    except (FormatError, KeyError, ValueError, pd.errors.ParserError):
        return None
    return values if len(values) == len(prepared.train_ids) and np.isfinite(values).all() else None
