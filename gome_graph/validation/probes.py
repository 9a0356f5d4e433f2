"""The permuted-label rerun: a script that still scores well on shuffled labels has seen them.

Ojala and Garriga, "Permutation Tests for Studying Classifier Performance", JMLR 2010, used the other way round: an honest script cannot
beat chance on
permuted labels, whatever its model; one that fits on the rows it predicts, encodes targets over all rows, or copies labels into
``oof.csv`` does.
"""

import math
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gome_graph.records import Stage
from gome_graph.task import PreparedTask
from gome_graph.task.metrics.base import Array, Metric
from gome_graph.validation.policy import ValidationPolicy
from gome_graph.validation.signals import signal

TRAIN = "train.csv"
PERMUTED_DRAWS = 100


@dataclass(frozen=True)
class PermutedJob:
    """A sample-stage input folder with permuted training labels, and what to judge its output by."""

    input_dir: Path
    truth: Array
    """Encoded permuted labels, in the order of ``train.csv``."""
    folds: Array


def permuted_label_job(prepared: PreparedTask, destination: Path, *, seed: int) -> PermutedJob:
    """Copy the sample-stage input to `destination` with the targets of ``train.csv`` permuted over its rows (jointly, if there are
    several).

    Everything else is hard-linked. Idempotent: the permutation follows from `seed`, and an existing folder is used again.
    """
    rows = prepared.rows(Stage.SAMPLE)
    order = np.random.default_rng(seed).permutation(len(rows))
    job = PermutedJob(destination, prepared.truth[rows][order], prepared.folds[rows])
    if (destination / TRAIN).exists():
        return job
    source = prepared.input_dir(Stage.SAMPLE)
    # Traces are threads of one process, and their first drafts come here at about the same time: each builds in a folder of its own.
    building = destination.with_name(f".{destination.name}.{os.getpid()}.{threading.get_ident()}")
    shutil.rmtree(building, ignore_errors=True)
    shutil.copytree(source, building, copy_function=_link, ignore=lambda folder, names: {TRAIN} if Path(folder) == source else set())
    _permute(source / TRAIN, building / TRAIN, prepared.format.targets, order)
    try:
        building.replace(destination)
    except OSError:
        # Another trace was faster; its folder is the same.
        shutil.rmtree(building, ignore_errors=True)
        if not (destination / TRAIN).exists():
            raise
    return job


def judge_permuted(metric: Metric, truth: Array, prediction: Array, policy: ValidationPolicy) -> tuple[bool, float]:
    """(leakage, noise units above chance) of out-of-fold predictions made after the labels were permuted to `truth`."""
    noise = signal(metric, truth, prediction, seed=1, draws=PERMUTED_DRAWS)
    return bool(math.isfinite(noise) and noise > policy.chance_noise), noise


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _permute(source: Path, target: Path, columns: list[str], order: Array) -> None:
    import pandas as pd

    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    frame[columns] = frame[columns].to_numpy()[order]
    frame.to_csv(target, index=False)
