"""The form of predictions, and how they become arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_graph.records import Record
from gome_graph.task.labels import encode
from gome_graph.task.tables import MISSING, missing, numbers, read_header, read_table

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 1 << 30
"""A larger file of predictions is not read."""

Ids = Sequence[str] | NDArray[np.str_]


class FormatError(ValueError):
    """A table of predictions breaks a rule; the message is one sentence that says which."""


class SubmissionFormat(Record):
    """What ``oof.csv`` and ``submission.csv`` hold, and how it is encoded.

    ``label``: int64 codes into `classes`, ``(n,)`` or ``(n, targets)``. ``probability``: floats of the positive class, ``(n,)`` or
    ``(n, targets)``, against 0/1 truth. ``probabilities``: floats ``(n, classes)`` against codes ``(n,)``. ``number``: floats ``(n,)`` or
    ``(n, targets)``. ``text``: strings ``(n,)``.
    """

    kind: str
    """``label``, ``probability`` (of the positive class), ``probabilities`` (one column a class), ``number`` or ``text``."""
    id_column: str | None
    """Id column of the files a script reads and writes (``row_id`` where the task has none)."""
    columns: list[str]
    """Prediction columns in submission order."""
    targets: list[str]
    """Target columns of the training table."""
    classes: list[str] = []
    """Labels as text; code i means classes[i]; empty for numbers and texts."""
    positive_class: str | None = None
    """The class whose probability is asked, or that code 1 means, where there are two."""
    written: list[str] = []
    """How each class is written in the submission that is handed out, where that differs from `classes`."""
    domain: str = "real"
    """Numbers allowed: ``real``, ``nonnegative`` or ``positive``."""

    def read(self, path: Path) -> "pd.DataFrame":
        """A prediction file as a table: ids and labels as text, numbers as floats. `FormatError` if there is none or it is not a CSV."""
        import pandas as pd

        _check_file(path)
        numeric = self.kind in {"probability", "probabilities", "number"}
        try:
            if not numeric:
                return read_table(path)
            header = read_header(path)
            text = {name: str for name in header if name not in self.columns}
            return pd.read_csv(
                path, dtype=text, keep_default_na=False, na_values={name: list(MISSING) for name in self.columns if name in header}
            )
        except (TaskError, ValueError, OSError) as error:
            raise FormatError(f"{path.name} cannot be read: {error}") from error

    def truth(self, frame: "pd.DataFrame") -> NDArray[Any]:
        """Encoded labels of a table with the target columns. Raises `TaskError` for cells that are no label or number."""
        encoded = [self._truth_column(frame[name].to_numpy(dtype=object), name) for name in self.targets]
        return encoded[0] if len(encoded) == 1 else np.column_stack(encoded)

    def predictions(self, frame: "pd.DataFrame", ids: Ids, *, unknown_ok: bool = False) -> NDArray[Any]:
        """Encoded predictions, one row for each of `ids` in that order.

        Raises `FormatError` on missing, double or extra ids, missing columns, missing or infinite values, unknown labels (unless
        `unknown_ok`: then code -1, which equals no truth), probabilities out of [0, 1] or rows of a class matrix that do not add up to 1,
        and numbers out of the metric's domain.
        """
        absent = [name for name in self.columns if name not in frame.columns]
        if absent:
            raise FormatError(f"column {absent[0]!r} is missing; needed are {_listed(self.columns)}")
        order = self._order(frame, np.asarray(ids))
        columns: list[NDArray[Any]]
        if self.kind == "label":
            columns = [self._label_column(frame[name].to_numpy(dtype=object), name, unknown_ok) for name in self.columns]
        elif self.kind == "text":
            columns = [self._text_column(frame[name].to_numpy(dtype=object)) for name in self.columns]
        else:
            columns = [self._number_column(frame[name], name) for name in self.columns]
        values = columns[0] if len(columns) == 1 and self.kind != "probabilities" else np.column_stack(columns)
        if self.kind == "probabilities":
            sums = values.sum(axis=1)
            bad = np.flatnonzero(~np.isclose(sums, 1.0, atol=1e-6))  # the tolerance of MLE-Bench's graders
            if len(bad):
                raise FormatError(f"probabilities of row {bad[0] + 1} add up to {sums[bad[0]]:.6g}, not 1 ({len(bad)} rows do not)")
        return values if order is None else values[order]

    def _order(self, frame: "pd.DataFrame", ids: NDArray[np.str_]) -> NDArray[np.int64] | None:
        """Positions in `frame` of `ids`, None if they stand there in this very order."""
        if self.id_column is None:
            if len(frame) != len(ids):
                raise FormatError(f"expected {len(ids)} rows, got {len(frame)}")
            return None
        if self.id_column not in frame.columns:
            raise FormatError(f"id column {self.id_column!r} is missing")
        cells = frame[self.id_column].to_numpy(dtype=object)
        given = [cell if type(cell) is str else str(cell) for cell in cells]
        wanted = ids.tolist()
        if given == wanted:
            return None
        place = {name: i for i, name in enumerate(given)}
        if len(place) < len(given):
            twice = next(name for i, name in enumerate(given) if place[name] != i)
            raise FormatError(f"id {twice!r} occurs more than once ({len(given)} rows, {len(place)} different ids)")
        lost = [name for name in wanted if name not in place]
        if lost:
            raise FormatError(f"{len(lost)} of {len(wanted)} ids are missing, the first is {lost[0]!r} ({len(given)} rows given)")
        if len(given) > len(wanted):
            known = set(wanted)
            extra = [name for name in given if name not in known]
            raise FormatError(f"{len(extra)} ids do not belong there, the first is {extra[0]!r} (expected {len(wanted)} rows)")
        return np.array([place[name] for name in wanted], dtype=np.int64)

    def _label_column(self, cells: NDArray[Any], name: str, unknown_ok: bool) -> NDArray[np.int64]:
        text = _texts(cells)
        codes = encode(text, self.classes)
        if (codes < 0).any() and not unknown_ok:
            first = int(np.flatnonzero(codes < 0)[0])
            if text[first] in MISSING:
                raise FormatError(
                    f"column {name!r} has a missing value in row {first + 1} ({int((codes < 0).sum())} rows are missing or unknown)"
                )
            raise FormatError(
                f"column {name!r} has the unknown label {text[first]!r} in row {first + 1}; labels are {_listed(self.classes)}"
            )
        return codes

    def _text_column(self, cells: NDArray[Any]) -> NDArray[np.str_]:
        return np.array(["" if cell is None or cell != cell else str(cell) for cell in cells], dtype=np.str_)  # NaN != NaN

    def _number_column(self, column: "pd.Series[Any]", name: str) -> NDArray[np.float64]:
        if column.dtype.kind in "fiub":
            values: NDArray[np.float64] = column.to_numpy(dtype=np.float64)
        else:
            text = _texts(column.to_numpy(dtype=object))
            found = numbers(text)
            if found is None:
                odd = next(cell for cell in text if cell not in MISSING and numbers(np.array([cell], dtype=object)) is None)
                raise FormatError(f"column {name!r} has {odd!r} where a number is needed")
            values = found
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise FormatError(f"column {name!r} has a missing or infinite value in row {bad[0] + 1} ({len(bad)} rows)")
        if self.kind == "number":
            wrong = {"nonnegative": values < 0, "positive": values <= 0}.get(self.domain)
            rule = "below 0" if self.domain == "nonnegative" else "not above 0"
        else:
            wrong, rule = (values < 0) | (values > 1), "outside of [0, 1]"
        if wrong is not None and wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise FormatError(f"column {name!r} has {values[first]:.6g} in row {first + 1}, which is {rule} ({int(wrong.sum())} rows)")
        return values

    def _truth_column(self, cells: NDArray[Any], name: str) -> NDArray[Any]:
        text = _texts(cells)
        if self.kind == "text":
            return self._text_column(cells)
        if self.kind == "number":
            values = numbers(text)
            if values is None or np.isnan(values).any():
                raise TaskError(f"Target column {name!r} has a value that is missing or not a number.")
            return values
        codes = encode(text, self.classes)
        if (codes < 0).any():
            raise TaskError(
                f"Target column {name!r} has the label {text[int(np.flatnonzero(codes < 0)[0])]!r}, which is none of its classes."
            )
        return codes


def _check_file(path: Path) -> None:
    """Refuse what a script could have put there to make us read something else than its own output."""
    if path.is_symlink() or path.parent.is_symlink():
        raise FormatError(f"{path.name} is reached through a symbolic link; it must be a plain file")
    if not path.exists():
        raise FormatError(f"{path.name} is missing")
    if not path.is_file():
        raise FormatError(f"{path.name} is not a plain file")
    if path.stat().st_size > MAX_BYTES:
        raise FormatError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")


def _texts(cells: NDArray[Any]) -> NDArray[Any]:
    """Cells as text; whatever pandas takes for missing as the empty string."""
    if set(map(type, cells.tolist())) <= {str}:
        return cells
    texts = np.empty(len(cells), dtype=object)
    texts[:] = ["" if cell is None or cell != cell else str(cell) for cell in cells]
    return texts


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown}, … ({len(names)} in all)"


def absent_labels(cells: NDArray[Any]) -> NDArray[np.bool_]:
    """Which target cells are missing."""
    return missing(_texts(cells))
