"""One file of triples to three columns of names, whatever separates them."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_kge.data.files import kind

Rows = list[tuple[str, str, str]]

COLUMNS = (
    ("head", "h", "subject", "subj", "s", "source", "from", "node1", "head_id", "x_id", "subject_id", "e1", "entity1"),
    ("relation", "r", "rel", "predicate", "pred", "p", "edge", "type", "relation_id", "label", "property", "predicate_id"),
    ("tail", "t", "object", "obj", "o", "target", "to", "node2", "tail_id", "y_id", "object_id", "e2", "entity2"),
)
"""What people call the three columns in a header line."""

MISSING = ("", "nan", "<na>", "null", "none")
_NTRIPLE = re.compile(r"(<[^>]*>|_:\S+)\s+(<[^>]*>)\s+(<[^>]*>|_:\S+|\".*\"\S*)\s*\.\s*$")


def text_of(path: Path) -> str:
    """The file as text, uncompressed.

    Raises
    ------
    TaskError
        If it is empty, damaged, or no text.
    """
    ending = path.suffix.lower()
    try:
        raw = path.read_bytes()
        if ending == ".gz":
            raw = gzip.decompress(raw)
        elif ending == ".xz":
            raw = lzma.decompress(raw)
        elif ending == ".bz2":
            raw = bz2.decompress(raw)
        elif ending == ".zip":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                raw = archive.read(archive.namelist()[0]) if archive.namelist() else b""
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is no text in UTF-8 (byte {error.start}); convert it, for example with iconv.") from error
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, ValueError) as error:
        raise TaskError(f"{path} cannot be read ({error}); it may be damaged or only partly copied.") from error
    if not text.strip():
        raise TaskError(f"{path} is empty; put triples into it, one a line: head, relation, tail.")
    return text


def read_rows(path: Path, *, openke: bool = False) -> Rows:
    """The triples of a file, as (head, relation, tail).

    Raises
    ------
    TaskError
        With the line that does not fit.
    """
    if kind(path) == ".parquet":
        return _parquet(path)
    text = text_of(path)
    if kind(path) in (".json", ".jsonl", ".ndjson"):
        return _json(path, text)
    lines = text.splitlines()
    if openke or (len(lines) > 1 and lines[0].strip().isdigit() and len(lines[1].split()) == 3):
        return _openke(path, lines)
    if kind(path) == ".nt" or _NTRIPLE.match(lines[0]):
        return _ntriples(path, lines)
    return _table(path, lines)


def _separator(path: Path, lines: list[str]) -> str | None:
    """The separator that cuts the first lines into three or more columns; None is any white space."""
    sample = [line for line in lines[:50] if line.strip()]
    for separator in ("\t", ",", ";", "|||", "|"):
        cut = [
            next(csv.reader([line], delimiter=separator)) if '"' in line and separator in ",;" else line.split(separator) for line in sample
        ]
        if len({len(parts) for parts in cut}) == 1 and 3 <= len(cut[0]) <= 8:
            return separator
    words = {len(line.split()) for line in sample}
    if words == {3}:
        return None
    if "\t" in sample[0] and sample[0].count("\t") >= 2:
        return "\t"
    shown = sample[0][:60]
    raise TaskError(
        f"{path} has an unknown format: its lines are not three columns (the first is {shown!r}); "
        "write head, relation, tail, separated by tabs."
    )


def _table(path: Path, lines: list[str]) -> Rows:
    separator = _separator(path, lines)
    rows: list[list[str]] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if separator is None:
            parts = line.split()
        elif '"' in line and separator != "\t":
            parts = next(csv.reader([line], delimiter=separator))
        else:
            parts = line.split(separator)
        rows.append([part.strip() for part in parts])
        numbers.append(number)
    order = _header(rows[0])
    if order is not None:
        rows, numbers = rows[1:], numbers[1:]
        if not rows:
            raise TaskError(f"{path} holds a header and no triples; put triples under it.")
    order = order or (0, 1, 2)
    found: Rows = []
    width = max(order) + 1
    for number, parts in zip(numbers, rows, strict=True):
        if len(parts) < width:
            raise TaskError(f"{path}, line {number} has {len(parts)} columns instead of 3; write head, relation, tail.")
        triple = (parts[order[0]], parts[order[1]], parts[order[2]])
        for name, value in zip(("head", "relation", "tail"), triple, strict=True):
            if value.lower() in MISSING:
                raise TaskError(f"{path}, line {number} has no {name} ({value!r}); fill it in or take the line out.")
        found.append(triple)
    return found


def _header(first: list[str]) -> tuple[int, int, int] | None:
    """Positions of head, relation, tail if the line is a header. Two of three known names make one."""
    lower = [part.strip().lower() for part in first]
    order = [next((lower.index(alias) for alias in aliases if alias in lower), None) for aliases in COLUMNS]
    if None in order or len(set(order)) < 3:
        return None
    return order[0], order[1], order[2]  # type: ignore[return-value]


def _openke(path: Path, lines: list[str]) -> Rows:
    """OpenKE: a count, then head, tail, relation."""
    if not lines[0].strip().isdigit():
        raise TaskError(f"{path} looks like OpenKE's layout but its first line is no count; put the number of triples there.")
    found: Rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        parts = line.split()
        if len(parts) != 3:
            raise TaskError(f"{path}, line {number} has {len(parts)} columns instead of 3; OpenKE's are head, tail, relation.")
        found.append((parts[0], parts[2], parts[1]))
    return found


def _ntriples(path: Path, lines: list[str]) -> Rows:
    found: Rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _NTRIPLE.match(line.strip())
        if match is None:
            raise TaskError(f"{path}, line {number} is no N-Triples statement; each ends with a full stop.")
        if not match[3].startswith('"'):  # literals are attributes, not edges
            found.append((match[1], match[2], match[3]))
    if not found:
        raise TaskError(f"{path} holds no edge between two resources; literals alone cannot be embedded.")
    return found


def _json(path: Path, text: str) -> Rows:
    """A list of triples or of records, or one record a line."""
    try:
        value = (
            json.loads(text)
            if text.lstrip()[0] == "[" and kind(path) == ".json"
            else [json.loads(x) for x in text.splitlines() if x.strip()]
        )
    except ValueError as error:
        raise TaskError(f"{path} is not JSON ({error}).") from error
    found: Rows = []
    for number, item in enumerate(value, 1):
        triple = _record(item)
        if triple is None:
            raise TaskError(f"{path}, item {number} is no triple; write [head, relation, tail] or an object with these three keys.")
        found.append(triple)
    return found


def _record(item: Any) -> tuple[str, str, str] | None:
    if isinstance(item, list) and len(item) == 3:
        parts = item
    elif isinstance(item, dict):
        lower = {str(key).lower(): value for key, value in item.items()}
        parts = [next((lower[alias] for alias in aliases if alias in lower), None) for aliases in COLUMNS]
    else:
        return None
    if any(part is None or isinstance(part, dict | list) or str(part).strip().lower() in MISSING for part in parts):
        return None
    return str(parts[0]), str(parts[1]), str(parts[2])


def _parquet(path: Path) -> Rows:
    try:
        import polars
    except ImportError as error:
        raise TaskError(f"{path} needs polars to be read: pip install 'gome-kge[parquet]'.") from error
    try:
        table = polars.read_parquet(path)
    except Exception as error:
        raise TaskError(f"{path} cannot be read as Parquet ({' '.join(str(error).split())}).") from error
    order = _header(table.columns) or ((0, 1, 2) if len(table.columns) == 3 else None)
    if order is None:
        raise TaskError(f"{path} has the columns {', '.join(table.columns)}; name three of them head, relation, tail.")
    part = table.select([table.columns[i] for i in order])
    if sum(part.null_count().row(0)):
        raise TaskError(f"{path} has missing values in its triples; take these rows out.")
    return [(str(h), str(r), str(t)) for h, r, t in part.iter_rows()]


def read_ids(path: Path) -> tuple[list[str] | None, dict[str, str]]:
    """(names in the order of their ids or None, labels by name) from a dictionary file.

    Understands ``name<tab>id``, ``id<tab>name`` with ids 0..n-1, OpenKE's leading count, and CoDEx's JSON ``{"Q1": {"label": …}}``.
    """
    text = text_of(path)
    if kind(path) == ".json":
        return _json_labels(path, text)
    lines = [line for line in text.splitlines() if line.strip()]
    if lines[0].strip().isdigit() and len(lines) > 1:
        lines = lines[1:]
    pairs = [line.rsplit("\t", 1) if "\t" in line else line.rsplit(None, 1) for line in lines]
    if all(len(pair) == 2 and pair[1].strip().isdigit() for pair in pairs):
        by_id = {int(pair[1]): pair[0].strip() for pair in pairs}
    else:
        other = [line.split("\t", 1) if "\t" in line else line.split(None, 1) for line in lines]
        if not all(len(pair) == 2 and pair[0].strip().isdigit() for pair in other):
            return None, {}
        by_id = {int(pair[0]): pair[1].strip() for pair in other}
    if sorted(by_id) != list(range(len(by_id))):
        return None, {}
    return [by_id[i] for i in range(len(by_id))], {}


def _json_labels(path: Path, text: str) -> tuple[list[str] | None, dict[str, str]]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise TaskError(f"{path} is not JSON ({error}).") from error
    if not isinstance(value, dict):
        return None, {}
    labels = {str(key): str(item["label"]) for key, item in value.items() if isinstance(item, dict) and item.get("label")}
    labels.update({str(key): item for key, item in value.items() if isinstance(item, str)})
    return None, labels
