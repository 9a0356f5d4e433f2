"""The form of predictions, and how they become arrays."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.records import Record

if TYPE_CHECKING:
    import pandas as pd


class FormatError(ValueError):
    """A table of predictions breaks a rule; the message is one sentence that says which."""


class SubmissionFormat(Record):
    """What ``oof.csv`` and ``submission.csv`` hold, and how it is encoded."""

    kind: str
    """``label``, ``probability`` (of the positive class), ``probabilities`` (one column a class), ``number`` or ``text``."""
    id_column: str | None
    columns: list[str]
    """Prediction columns in submission order."""
    targets: list[str]
    """Target columns of the training table."""
    classes: list[str] = []
    """Labels as text; code i means classes[i]; empty for numbers and texts."""
    positive_class: str | None = None

    def truth(self, frame: "pd.DataFrame") -> NDArray[Any]:
        """Encoded labels of a table with the target columns."""
        raise NotImplementedError

    def predictions(self, frame: "pd.DataFrame", ids: Sequence[str] | NDArray[np.str_]) -> NDArray[Any]:
        """Encoded predictions, one row for each of `ids` in that order; `FormatError` if a rule is broken."""
        raise NotImplementedError
