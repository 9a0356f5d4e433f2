"""What a script says of itself in ``output/telemetry.jsonl``: claims, read with care, never a score."""

import json
import math
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gome_graph.records import FoldFacts

MAX_BYTES = 1 << 20
MAX_LINE = 50_000
MAX_FOLDS = 400
MAX_PAIRS = 200
MAX_NAMES = 2_000
MAX_NAME = 200
MAX_NUMBER = 1e15


@dataclass(frozen=True)
class Telemetry:
    """The part of a telemetry file that could be understood."""

    folds: list[FoldFacts] = field(default_factory=list)
    curve: list[tuple[float, float]] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    text_as_category: list[str] = field(default_factory=list)
    importance: dict[str, float] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    agreement: dict[tuple[str, str], float] = field(default_factory=dict)
    """Correlation of the out-of-fold predictions of two members."""
    malformed: int = 0
    """Lines dropped, whole or in part."""


def read_telemetry(path: Path) -> Telemetry:
    """Read ``telemetry.jsonl``; a missing, odd or hostile file gives an empty or partial `Telemetry`, never an exception.

    Only a regular file is opened (no symbolic link, no pipe that would block), only its first megabyte is read, and a value that is
    not a finite number of sane size, or a string that is too long, is dropped.
    Line kinds: ``fold``, ``columns``, ``phase``, ``weights``, ``agreement`` (``{"kind": "agreement", "members": ["a", "b"],
    "correlation": 0.98}``) and ``curve`` (``{"kind": "curve", "share": 0.5, "score": 0.8}``).
    """
    told = Telemetry()
    malformed = 0
    for line in _lines(path):
        try:
            entry = json.loads(line) if len(line) <= MAX_LINE else None
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict) or not _take(entry, told):
            malformed += 1
    return Telemetry(**{**told.__dict__, "malformed": malformed})


def _lines(path: Path) -> list[str]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return []
    with os.fdopen(handle, "rb") as file:
        text = file.read(MAX_BYTES).decode("utf-8", errors="replace")
    return [line for line in text.split("\n") if line.strip()]


def _take(entry: dict[str, Any], told: Telemetry) -> bool:
    """Add what `entry` says to `told`; False if any of it was dropped."""
    match entry.get("kind"):
        case "fold":
            return _take_fold(entry, told)
        case "columns":
            return _take_columns(entry, told)
        case "phase":
            name, seconds = _name(entry.get("name")), _number(entry.get("seconds"))
            if name is None or seconds is None or seconds < 0 or (name not in told.phases and len(told.phases) >= 50):
                return False
            told.phases[name] = told.phases.get(name, 0.0) + seconds
            return True
        case "weights":
            weights = _positive(entry.get("weights"))
            if not weights:
                return False
            told.weights.clear()  # the last word counts: a script may report weights a second time after a refit
            told.weights.update(weights)
            return True
        case "agreement":
            return _take_agreement(entry, told)
        case "curve":
            share, score = _number(entry.get("share")), _number(entry.get("score"))
            if share is None or score is None or not 0 < share <= 1 or len(told.curve) >= 100:
                return False
            told.curve.append((share, score))
            return True
        case _:
            return False


def _take_fold(entry: dict[str, Any], told: Telemetry) -> bool:
    fold = entry.get("fold")
    if not isinstance(fold, int) or isinstance(fold, bool) or not 0 <= fold <= 10_000 or len(told.folds) >= MAX_FOLDS:
        return False
    given = [key for key in ("train_score", "valid_score", "seconds", "iterations", "max_iterations") if entry.get(key) is not None]
    values = {key: _number(entry[key]) for key in given}
    for key in ("seconds", "iterations", "max_iterations"):
        if values.get(key) is not None and values[key] < 0:  # type: ignore[operator]
            values[key] = None
    counts = {key: int(value) for key in ("iterations", "max_iterations") if (value := values.get(key)) is not None}
    model = _name(entry.get("model", ""), empty=True)
    told.folds.append(
        FoldFacts(
            fold=fold, model=model or "", train_score=values.get("train_score"), valid_score=values.get("valid_score"),
            seconds=values.get("seconds"), iterations=counts.get("iterations"), max_iterations=counts.get("max_iterations"),
            kept=entry.get("kept") is True,
        )
    )  # fmt: skip
    return model is not None and all(value is not None for value in values.values())


def _take_agreement(entry: dict[str, Any], told: Telemetry) -> bool:
    members, value = entry.get("members"), _number(entry.get("correlation"))
    if not isinstance(members, list) or len(members) != 2 or value is None or abs(value) > 1 or len(told.agreement) >= MAX_PAIRS:
        return False
    one, other = _name(members[0]), _name(members[1])
    if one is None or other is None or one == other:
        return False
    told.agreement[(min(one, other), max(one, other))] = value
    return True


def _take_columns(entry: dict[str, Any], told: Telemetry) -> bool:
    whole = True
    for key, into in (("used", told.used), ("text_as_category", told.text_as_category)):
        names = entry.get(key, [])
        if not isinstance(names, list):
            whole = False
            continue
        kept = [name for name in map(_name, names[:MAX_NAMES]) if name is not None]
        whole &= len(kept) == len(names)
        into.extend(name for name in dict.fromkeys(kept) if name not in into)
    if entry.get("importance") is not None:
        told.importance.update(_positive(entry["importance"]) or {})
        whole &= bool(told.importance)
    return whole


def _positive(value: Any) -> dict[str, float]:
    """The non-negative finite part of a name -> number mapping, scaled to add up to 1; empty if nothing is left."""
    if not isinstance(value, dict):
        return {}
    pairs = {_name(key): _number(number) for key, number in list(value.items())[:MAX_NAMES]}
    kept = {key: number for key, number in pairs.items() if key is not None and number is not None and number >= 0}
    total = sum(kept.values())
    return {key: number / total for key, number in kept.items()} if total > 0 else {}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and abs(value) > MAX_NUMBER:  # float() of a huge int would overflow
        return None
    return float(value) if math.isfinite(value) and abs(value) <= MAX_NUMBER else None


def _name(value: Any, *, empty: bool = False) -> str | None:
    if not isinstance(value, str) or len(value) > MAX_NAME or (not value and not empty):
        return None
    return value
