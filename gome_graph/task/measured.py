"""The arrays behind a diagnostic pack."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from gome_graph.task.metrics import Metric
    from gome_graph.task.submission import SubmissionFormat


@dataclass(frozen=True)
class Measured:
    """What a diagnoser may look at beside the pack: arrays aligned row by row. Must not be changed."""

    frame: "pd.DataFrame"
    """Training rows (full stage), inputs and targets."""
    truth: "NDArray[Any]"
    """Encoded targets, see `SubmissionFormat`."""
    prediction: "NDArray[Any] | None"
    """Encoded out-of-fold predictions; None if the script wrote no valid ones."""
    folds: "NDArray[np.int64]"
    """Fold of each row."""
    metric: "Metric"
    format: "SubmissionFormat"
    row_losses: "NDArray[np.float64] | None"
    """Loss of each row, lower is better: the metric's own, or a proxy where it does not decompose (0/1, squared error, log loss)."""
    probabilities: "NDArray[np.float64] | None"
    """(rows, classes) from ``output/oof_proba.csv``, if the script saved it."""
    script: str
    """Text of ``solution.py``."""
    test: "pd.DataFrame | None" = None
    """Rows of the real test table (inputs and id, no labels, no audit rows), at most `TEST_ROWS` spread evenly; None without one."""
