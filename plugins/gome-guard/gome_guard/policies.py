"""Policies as files: what a policy would do for each logged request."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_graph.support.files import write_text
from gome_guard.tables import read_rows


def read_policy(path: Path) -> dict[str, dict[str, float]]:
    """Request id -> action -> probability, from rows with ``id`` and ``probabilities`` (an object), or ``id`` and ``action``.

    Raises
    ------
    TaskError
        Naming the row.
    """
    found: dict[str, dict[str, float]] = {}
    for number, row in read_rows(path):
        key = row.get("id")
        if not isinstance(key, str):
            raise TaskError(f"{path}, row {number} has no id.")
        if key in found:
            raise TaskError(f"{path}, row {number} repeats id {key!r}.")
        found[key] = _distribution(row, f"{path}, row {number}")
    if not found:
        raise TaskError(f"{path} holds no rows.")
    return found


def _distribution(row: dict[str, Any], where: str) -> dict[str, float]:
    if isinstance(row.get("action"), str):
        return {row["action"]: 1.0}
    given = row.get("probabilities")
    if not isinstance(given, dict):
        raise TaskError(f"{where} has neither `action` nor `probabilities` (an object of action and probability).")
    try:
        return {str(action): float(value) for action, value in given.items() if value is not None}
    except (TypeError, ValueError) as error:
        raise TaskError(f"{where}: a probability is not a number ({error}).") from error


def write_policy(path: Path, policy: Mapping[str, Mapping[str, float]], option: str) -> None:
    """Write what `read_policy` reads, whole or not at all; `option` is the flag that named the file."""
    if path.suffix != ".jsonl":
        raise TaskError(f"{option} {path} must end in .jsonl.")
    lines = [json.dumps({"id": key, "probabilities": dict(p)}, ensure_ascii=False) for key, p in policy.items()]
    write_text(path, "\n".join(lines) + "\n")
