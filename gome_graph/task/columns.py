"""What kind of column this is, from its text cells."""

import json
import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.records import ColumnKind, ColumnProfile
from gome_graph.task.tables import MISSING, missing, numbers

LOOKED_AT = 2000
"""Text statistics are taken on this many values at most."""
SEPARATORS = ("/", "_", "-", ":", "|", ".", ";")

_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)? ?(Z|UTC|[+-]\d{2}:?\d{2})?"
    r"|\d{4}/\d{1,2}/\d{1,2}( \d{1,2}:\d{2}(:\d{2})?)?|\d{1,2}[/.]\d{1,2}[/.]\d{4}( \d{1,2}:\d{2}(:\d{2})?)?"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ID_NAME = re.compile(r"(?:.*[_\- ])?(?:id|uuid|guid|key)|.*(?<=[a-z])(?:Id|ID)", re.ASCII)


def profile_column(name: str, cells: NDArray[Any], test: NDArray[Any] | None) -> ColumnProfile:
    """Measure one column: `cells` ``(n,)`` text of the training rows, `test` of the test rows (for values never seen in train)."""
    absent = missing(cells)
    known = cells[~absent]
    share = float(absent.mean()) if len(cells) else 0.0
    counts = Counter(known.tolist())
    distinct = len(counts)
    if distinct == 0 or (distinct == 1 and share == 0):
        return ColumnProfile(name=name, kind=ColumnKind.CONSTANT, missing=share, distinct=distinct)
    values = numbers(known)
    if values is not None:
        return _number(name, values, share, distinct)
    looked = known[:: max(1, len(known) // LOOKED_AT)][:LOOKED_AT]
    length = float(np.mean([len(cell) for cell in looked]))
    spaces = float(np.mean([len(cell.split()) for cell in looked]))
    kind, separator, parts = _text_kind(known, looked, distinct, length, spaces, counts)
    seen = kind in {ColumnKind.CATEGORY, ColumnKind.BOOLEAN}
    structured = kind in {ColumnKind.COMPOUND, ColumnKind.IDENTIFIER}  # examples tell which of their parts are numbers
    return ColumnProfile(
        name=name, kind=kind, missing=share, distinct=distinct, mean_length=length, mean_words=spaces, separator=separator, parts=parts,
        unseen=_unseen(counts, test) if seen and test is not None else 0.0,
        top_values=sorted(counts, key=lambda value: (-counts[value], value))[:5] if seen or structured else [],
    )  # fmt: skip


def _number(name: str, values: NDArray[np.float64], share: float, distinct: int) -> ColumnProfile:
    finite = values[np.isfinite(values)]
    integer = bool(len(finite)) and bool((finite == np.round(finite)).all())
    named_id = integer and share == 0 and distinct == len(values) and len(values) > 20 and _ID_NAME.fullmatch(name) is not None
    return ColumnProfile(
        name=name, kind=ColumnKind.IDENTIFIER if named_id else ColumnKind.NUMBER, missing=share, distinct=distinct, skew=skewness(finite),
        integer=integer, nonnegative=bool(len(finite)) and float(finite.min()) >= 0,
    )  # fmt: skip


def skewness(values: NDArray[np.float64]) -> float:
    """Sample skewness m3 / m2^1.5; 0 for constant values."""
    if len(values) < 2:
        return 0.0
    gaps = values - values.mean()
    spread = float(np.mean(gaps**2))
    return float(np.mean(gaps**3) / spread**1.5) if spread > 1e-300 else 0.0


def _text_kind(
    known: NDArray[Any], looked: NDArray[Any], distinct: int, length: float, words: float, counts: dict[str, int]
) -> tuple[ColumnKind, str | None, int]:
    share = distinct / len(known)
    if {value.lower() for value in list(counts)[:3]} <= {"true", "false"}:
        return ColumnKind.BOOLEAN, None, 1
    if all(map(_is_list, looked[:50])):
        return ColumnKind.LIST, None, 1
    if np.mean([_DATE.fullmatch(cell.strip()) is not None for cell in looked[:200]]) >= 0.95:
        return ColumnKind.DATETIME, None, 1
    if (words >= 4 and share > 0.5) or (length > 50 and share > 0.3 and words >= 3):
        return ColumnKind.TEXT, None, 1
    compound = _compound(known, looked, distinct)
    if compound is not None:
        return ColumnKind.COMPOUND, *compound
    return (ColumnKind.IDENTIFIER if share > 0.9 and distinct > 20 else ColumnKind.CATEGORY), None, 1


def _is_list(cell: str) -> bool:
    if not cell.startswith("["):
        return False
    try:
        return isinstance(json.loads(cell), list)
    except json.JSONDecodeError:
        return False


def _compound(known: NDArray[Any], looked: NDArray[Any], distinct: int) -> tuple[str, int] | None:
    """(separator, parts) if nearly all values split into the same number of parts, one of which groups rows."""
    if distinct <= 20 or distinct < 0.1 * len(known) or any(_UUID.fullmatch(cell) for cell in looked[:5]):
        return None
    for separator in SEPARATORS:
        pieces = [cell.split(separator) for cell in looked]
        widths = np.array([len(piece) for piece in pieces])
        width = int(np.bincount(widths).argmax())
        if width < 2 or width > 6 or (widths == width).mean() < 0.95 or np.mean([" " in cell for cell in looked]) > 0.05:
            continue
        whole = len(set(looked))
        each = [len({piece[i] for piece in pieces if len(piece) == width}) for i in range(width)]
        if any(2 <= number <= 0.5 * whole for number in each):
            return separator, width
    return None


def _unseen(counts: dict[str, int], test: NDArray[Any]) -> float:
    return sum(1 for cell in test if cell not in MISSING and cell not in counts) / len(test) if len(test) else 0.0
