"""The prepared copy of a task on disk: what scripts see, and what only the controller sees."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.records import Stage, TaskProfile
from gome_graph.task.metrics import Metric
from gome_graph.task.spec import Task
from gome_graph.task.submission import SubmissionFormat

if TYPE_CHECKING:
    import pandas as pd

    from gome_graph.hooks import TaskBrief


@dataclass(frozen=True)
class Vault:
    """The audit part: for final selection and the report only, after the traces have ended."""

    audit_ids: NDArray[np.str_]
    """Ids under which the audit rows stand in ``test.csv``."""
    audit_truth: NDArray[Any]
    """Their encoded labels, same order."""


class PreparedTask:
    """A task made ready for scripts. Build with `prepare`, reopen with `PreparedTask.open`."""

    root: Path
    task: Task
    profile: TaskProfile
    metric: Metric
    format: SubmissionFormat
    train_ids: NDArray[np.str_]
    truth: NDArray[Any]
    folds: NDArray[np.int64]
    final_ids: NDArray[np.str_]
    final_truth: NDArray[Any]
    final_folds: NDArray[np.int64]
    vault: Vault

    @classmethod
    def open(cls, root: Path) -> "PreparedTask":
        """Reopen what `prepare` wrote."""
        raise NotImplementedError

    def input_dir(self, stage: Stage) -> Path:
        """The folder a script sees as ``input/`` at that stage."""
        raise NotImplementedError

    def rows(self, stage: Stage) -> NDArray[np.int64]:
        """Positions into `train_ids` of the rows of that stage's ``train.csv`` (for FINAL: positions into `final_ids`)."""
        raise NotImplementedError

    def test_ids(self, stage: Stage) -> NDArray[np.str_]:
        """Ids that ``submission.csv`` must hold at that stage, in the order of ``test.csv``; audit rows included but for FINAL."""
        raise NotImplementedError

    def real_submission(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """The file to hand out: audit rows dropped, order and columns of the sample submission."""
        raise NotImplementedError

    def train_frame(self) -> "pd.DataFrame":
        """The full-stage training table, loaded on first use."""
        raise NotImplementedError

    def brief(self) -> "TaskBrief":
        """What a reasoner may know."""
        raise NotImplementedError
