"""The facts about a task's tables that a reasoner starts from."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.records import ColumnKind, LinkedTable, RowFiles, TargetKind, TargetProfile, TaskProfile
from gome_graph.task.columns import profile_column, skewness
from gome_graph.task.spec import Task
from gome_graph.task.submission import SubmissionFormat

if TYPE_CHECKING:
    import pandas as pd

_USEFUL_IDS = {ColumnKind.COMPOUND, ColumnKind.DATETIME, ColumnKind.TEXT}
"""Kinds of id columns that carry information beside naming the row; these stand among the input columns too."""


def profile_task(
    task: Task, format: SubmissionFormat, kind: TargetKind, train: "pd.DataFrame", test: "pd.DataFrame", truth: NDArray[Any], *,
    test_rows: int, audit_rows: int, folds: int, side_files: int, row_files: list[RowFiles],
    made: list[str], linked_tables: list[LinkedTable],
) -> TaskProfile:  # fmt: skip
    """Measure the full-stage tables: `train` without the audit rows, `test` with the columns a script sees, `truth` encoded."""
    given = [str(name) for name in train.columns if name in test.columns and name not in format.targets]
    columns = [profile_column(name, train[name].to_numpy(dtype=object), test[name].to_numpy(dtype=object)) for name in given]
    split, _, split_column = task.split.partition(":")
    return TaskProfile(
        rows=len(train), test_rows=test_rows, audit_rows=audit_rows, id_column=format.id_column,
        columns=[column for column in columns if column.name != format.id_column or column.kind in _USEFUL_IDS],
        train_only=[str(name) for name in train.columns if name not in {*test.columns, *format.targets, format.id_column}],
        target=_target(format, kind, truth, task.metric), folds=folds, side_files=side_files, row_files=row_files, made=made,
        linked_tables=linked_tables,
        group_column=split_column if split == "group" else None, time_column=split_column if split == "time" else None,
    )  # fmt: skip


def _target(format: SubmissionFormat, kind: TargetKind, truth: NDArray[Any], metric: str) -> TargetProfile:
    if format.kind == "text":
        classes, shares = _ranked_labels(metric, truth)
        return TargetProfile(columns=format.targets, kind=kind, classes=classes, class_shares=shares)
    if format.kind == "number":
        first = truth if truth.ndim == 1 else truth[:, 0]
        return TargetProfile(
            columns=format.targets, kind=kind, skew=skewness(first), nonnegative=bool(truth.min() >= 0),
            integer=bool((truth == np.round(truth)).all()),
        )  # fmt: skip
    counts = np.bincount(truth.reshape(-1), minlength=len(format.classes))
    return TargetProfile(
        columns=format.targets, kind=kind, classes=format.classes, class_shares=[float(share) for share in counts / counts.sum()],
        positive_class=format.positive_class, integer=_whole(format.classes),
    )  # fmt: skip


def _ranked_labels(metric: str, truth: NDArray[Any]) -> tuple[list[str], list[float]]:
    """Labels of which a ranking is asked, one a row, and the share of each; nothing for free text, or several labels a row."""
    if not metric.startswith("map_at_") or truth.ndim != 1 or any(len(label.split()) != 1 for label in set(truth.tolist())):
        return [], []
    labels, each = np.unique(truth, return_counts=True)
    return labels.tolist(), (each / len(truth)).tolist()


def _whole(classes: list[str]) -> bool:
    try:
        return all(float(label).is_integer() for label in classes)
    except ValueError:
        return False
