"""Class labels as text: order, equality across spellings, codes."""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FALSE_TRUE = ({"0": "false", "1": "true"}, {"false": "0", "true": "1"})


def label_key(label: str) -> str:
    """One spelling for labels that mean the same: ``1.0`` -> ``1``, ``TRUE`` -> ``true``; other text is only stripped."""
    text = label.strip()
    if text.lower() in {"true", "false"}:
        return text.lower()
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def ordered(labels: Iterable[str]) -> list[str]:
    """Distinct labels, numbers by value, else by text; of several spellings of one label the first in that order stays."""
    distinct = set(labels)
    try:
        ranked = sorted(distinct, key=lambda label: (float(label), label))
    except ValueError:
        ranked = sorted(distinct)
    kept: dict[str, str] = {}
    for label in ranked:
        kept.setdefault(label_key(label), label)
    return list(kept.values())


def encode(cells: NDArray[Any], classes: Sequence[str]) -> NDArray[np.int64]:
    """Codes ``(n,)`` of text cells, -1 for unknown ones. ``1.0`` is ``1``, and 0/1 stand for False/True where these are the classes."""
    exact = {label: code for code, label in enumerate(classes)}
    codes = np.fromiter(map(exact.get, cells.tolist(), repeat(-1)), dtype=np.int64, count=len(cells))
    unknown = np.flatnonzero(codes < 0)
    if len(unknown):
        keys = {label_key(label): code for code, label in enumerate(classes)}
        for spelling in _FALSE_TRUE:
            if set(keys) == set(spelling.values()):
                keys |= {other: keys[own] for other, own in spelling.items()}
                break
        codes[unknown] = [keys.get(label_key(cells[i]), -1) for i in unknown]
    return codes


def in_style_of(classes: Sequence[str], shown: Iterable[str]) -> list[str]:
    """How `classes` are written where `shown` labels set the style (0/1 for False/True, 1 for 1.0); [] if just as they are."""
    seen = set(shown)
    if seen <= set(classes):
        return []
    keys = [label_key(label) for label in classes]
    if set(keys) == {"false", "true"} and seen <= {"0", "1"}:
        return ["0" if key == "false" else "1" for key in keys]
    if set(keys) == {"0", "1"} and {label.lower() for label in seen} <= {"true", "false"}:
        lower = all(label.islower() for label in seen)
        return [("true" if lower else "True") if key == "1" else ("false" if lower else "False") for key in keys]
    return keys if seen <= set(keys) else []
