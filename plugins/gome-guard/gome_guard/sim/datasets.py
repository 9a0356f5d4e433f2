"""Any text-classification set as texts and labels: JSON of splits, CSV and friends, folders of ``seq.in`` and ``label``."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_guard.tables import read_rows

TEXT_NAMES = ("text", "utterance", "query", "sentence", "question", "title", "content", "input", "review", "message")
LABEL_NAMES = ("label", "intent", "category", "class", "target", "topic", "sentiment", "skill", "action")
OUT_OF_SCOPE = "oos"
"""Splits of intent sets that belong to no label are left out: there is no right action for them."""
MIN_EXAMPLES = 10
"""Rows of a label, below which it cannot be split into launch, traffic and test."""


@dataclass(frozen=True)
class TextSet:
    """Texts with labels; domains where the set brings them."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    domains: dict[str, str]
    """Label -> domain; empty: none known."""
    dropped: tuple[str, ...] = ()
    """Labels with too few rows."""


def load_texts(path: Path, text: str | None = None, label: str | None = None) -> TextSet:
    """Read a set from a file or a folder.

    Raises
    ------
    TaskError
        If nothing there is texts with labels, or too little of it.
    """
    if not path.exists():
        raise TaskError(f"--data {path} does not exist.")
    pairs = _folder(path, text, label) if path.is_dir() else _file(path, text, label)
    pairs = [(" ".join(str(t).split()), str(y)) for t, y in pairs if str(t).strip() and str(y).strip()]
    counts = Counter(y for _, y in pairs)
    kept = {y for y, n in counts.items() if n >= MIN_EXAMPLES}
    if len(kept) < 3:
        raise TaskError(
            f"{path} has {len(kept)} labels with at least {MIN_EXAMPLES} texts; routing needs three or more to choose from "
            f"(found {len(pairs)} texts with {len(counts)} labels)."
        )
    pairs = [(t, y) for t, y in pairs if y in kept]
    return TextSet(
        path.stem, tuple(t for t, _ in pairs), tuple(y for _, y in pairs), _domains(path, kept), tuple(sorted(set(counts) - kept))
    )


def _file(path: Path, text: str | None, label: str | None) -> list[tuple[str, str]]:
    kind = path.suffix.lower()
    if kind == ".json":
        return _json(path, text, label)
    if kind == ".tsv":
        return _table(_tsv(path), path, text, label)
    return _table([row for _, row in read_rows(path)], path, text, label)


def _json(path: Path, text: str | None, label: str | None) -> list[tuple[str, str]]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(f"{path} is not JSON that can be read ({error}).") from error
    parts = [v for k, v in value.items() if OUT_OF_SCOPE not in k] if isinstance(value, dict) else [value]
    found: list[tuple[str, str]] = []
    for part in parts:
        if not isinstance(part, list):
            continue
        if part and all(isinstance(row, dict) for row in part):
            found += _table(part, path, text, label)
        else:
            found += [(row[0], row[1]) for row in part if isinstance(row, list | tuple) and len(row) == 2]
    if not found:
        raise TaskError(f"{path} holds neither lists of [text, label] nor objects with text and label.")
    return found


def _tsv(path: Path) -> list[dict[str, Any]]:
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _table(rows: list[dict[str, Any]], path: Path, text: str | None, label: str | None) -> list[tuple[str, str]]:
    if not rows:
        raise TaskError(f"{path} holds no rows.")
    columns = list(rows[0])
    t, y = _column(columns, text, TEXT_NAMES, path, "--text"), _column(columns, label, LABEL_NAMES, path, "--label")
    return [(str(row.get(t) or ""), str(row.get(y) or "")) for row in rows]


def _column(columns: list[str], wanted: str | None, names: tuple[str, ...], path: Path, flag: str) -> str:
    if wanted is not None:
        if wanted not in columns:
            raise TaskError(f"{path} has no column {wanted!r} ({flag}); it has: {', '.join(columns)}.")
        return wanted
    lower = {column.lower(): column for column in columns}
    found = next((lower[name] for name in names if name in lower), None)
    if found is None:
        raise TaskError(f"{path}: none of its columns {', '.join(columns)} is called {names[0]} or the like; say which one with {flag}.")
    return found


def _folder(path: Path, text: str | None, label: str | None) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for texts in sorted(path.rglob("seq.in")):
        labels = texts.with_name("label")
        if not labels.is_file():
            raise TaskError(f"{texts} has no file `label` beside it.")
        lines, names = texts.read_text(encoding="utf-8").splitlines(), labels.read_text(encoding="utf-8").splitlines()
        if len(lines) != len(names):
            raise TaskError(f"{texts} has {len(lines)} lines, {labels} has {len(names)}; they must be the same.")
        pairs += list(zip(lines, names, strict=True))
    if pairs:
        return pairs
    tables = sorted(p for p in path.iterdir() if p.suffix.lower() in (".csv", ".tsv", ".jsonl", ".parquet"))
    if tables:
        return [pair for table in tables for pair in _file(table, text, label)]
    single = sorted(p for p in path.glob("*.json") if p.name != "domains.json")
    if len(single) == 1:
        return _file(single[0], text, label)
    what = f"several JSON files ({', '.join(p.name for p in single)}); name one of them" if single else "no texts with labels"
    raise TaskError(f"--data {path} holds {what}.")


def _domains(path: Path, labels: set[str]) -> dict[str, str]:
    """Domains from a ``domains.json`` (domain -> labels) beside the data, if it knows every label."""
    file = (path if path.is_dir() else path.parent) / "domains.json"
    if not file.is_file():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        found = {str(y): str(d) for d, ys in value.items() for y in ys}
        found |= {y.replace(" ", "_"): d for y, d in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
    return {y: found[y] for y in labels} if labels <= set(found) else {}
