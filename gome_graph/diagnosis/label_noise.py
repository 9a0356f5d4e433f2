"""Labels that confident predictions contradict, told apart from classes that overlap."""

from typing import TYPE_CHECKING

import numpy as np

from gome_graph.diagnosis.quality import positive_index
from gome_graph.records import LabelNoiseFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_ROWS = 100
"""Rows predicted as a class below which its surest quarter says little."""
MIN_FLOOR = 0.03
FLAT = 0.6
"""Errors of the surest quarter are at least this part of the next quarter's. Where classes overlap, they are a third or less."""
PLAIN = 0.4
"""And the next quarter errs less than this part of what guessing by the class shares would: the model does know the class."""


def class_probabilities(data: "Measured") -> tuple[np.ndarray, np.ndarray, list[str]] | None:
    """(truth codes, probabilities (rows, classes), class names) of single-target class tasks; None where none were written."""
    if data.prediction is None or np.ndim(data.truth) != 1:
        return None
    truth = np.asarray(data.truth).astype(int)
    if data.format.kind == "probabilities":
        return truth, np.asarray(data.prediction, dtype=float), list(data.format.classes)
    if data.format.kind == "probability":
        stated = np.asarray(data.prediction, dtype=float).ravel()
        names = list(data.format.classes)
        if len(names) == 2 and positive_index(data.format) == 0:  # codes 0/1 mean negative and positive
            names.reverse()
        return truth, np.stack([1 - stated, stated], axis=1), names if len(names) == 2 else ["0", "1"]
    if data.format.kind == "label" and data.probabilities is not None and np.ndim(data.probabilities) == 2:
        proba = np.asarray(data.probabilities, dtype=float)
        return (truth, proba, list(data.format.classes)) if len(proba) == len(truth) else None
    return None


def label_noise_facts(data: "Measured") -> LabelNoiseFacts | None:
    """Error rates of the surest rows of each predicted class; None without probabilities of one class target.

    Where labels are wrong at random, errors among the surest rows are as frequent as among the less sure ones, however plain the class
    is; where classes merely overlap, they fall fast with confidence. A class is flagged on that ground.

    References
    ----------
    Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70, 2021 (`suspects`).
    """
    known = class_probabilities(data)
    if known is None or len(known[0]) == 0:
        return None
    truth, proba, names = known
    size = proba.shape[1]
    predicted = proba.argmax(axis=1)
    sure = proba[np.arange(len(proba)), predicted]
    wrong = predicted != truth
    counts = np.bincount(truth, minlength=size)[:size]
    usual = np.bincount(truth, weights=proba[np.arange(len(proba)), np.minimum(truth, size - 1)], minlength=size)[:size]
    means = usual / np.maximum(counts, 1)
    suspects = float((wrong & (sure >= means[predicted])).mean())
    flagged: list[str] = []
    tiers = np.zeros((2, 2))  # (surest, next) x (errors, rows)
    for k in range(size):
        rows = np.flatnonzero(predicted == k)
        if len(rows) < MIN_ROWS:
            continue
        errors = wrong[rows[np.argsort(-sure[rows], kind="stable")]]
        quarter = len(rows) // 4
        first, second = float(errors[:quarter].mean()), float(errors[quarter : 2 * quarter].mean())
        slack = 2 * (max(first, 1e-3) / quarter) ** 0.5  # two standard errors of the surest quarter's rate
        if first >= MIN_FLOOR and first - slack >= 0 and first >= FLAT * second and second <= PLAIN * (1 - counts[k] / len(truth)):
            flagged.append(names[k] if k < len(names) else str(k))
            tiers += np.array([[errors[:quarter].sum(), quarter], [errors[quarter : 2 * quarter].sum(), quarter]])
    floor, after = (float(e / n) if n else 0.0 for e, n in tiers)
    return LabelNoiseFacts(suspects=suspects, floor=floor, next=after, classes=flagged)
