"""Rows from files and data frames: JSONL, CSV, Parquet, pandas, polars. Every refusal names the row."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gome_graph.errors import TaskError

Row = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)

LISTS = ("candidates", "expected", "features", "logging", "accept", "reject")
"""Columns that hold lists; in CSV as JSON (``["a", "b"]``) or with bars (``a|b``)."""
SHOWN = 5
"""Refused rows that a message names; more make it no clearer."""


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """(row number from 1, row) of a ``.jsonl``, ``.csv`` or ``.parquet`` file. Line 1 of a CSV is its header, row 1 the line after.

    Raises
    ------
    TaskError
        If the file is missing, of another kind, or a line cannot be parsed.
    """
    kind = path.suffix.lower()
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".parquet": _parquet}
    if kind not in readers:
        raise TaskError(f"{path} is none of .jsonl, .csv, .parquet; convert it, or rename it if its name is wrong.")
    if not path.is_file():
        raise TaskError(f"There is no file {path}.")
    try:
        yield from readers[kind](path)
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise TaskError(f"{path}, row {number} is not JSON: {error}.") from error
            if not isinstance(row, dict):
                raise TaskError(f"{path}, row {number} is not a JSON object.")
            yield number, row


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            if None in row:
                raise TaskError(f"{path}, row {number} has more cells than the header has columns.")
            yield number, {name: _cell(name, value) for name, value in row.items() if value not in ("", None)}


def _cell(name: str, value: str) -> Any:
    if name in LISTS:
        return json.loads(value) if value.lstrip().startswith("[") else value.split("|")
    return value


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        import polars
    except ImportError as error:
        raise TaskError(f"Reading {path} needs polars; install it: pip install 'gome-guard[parquet]'.") from error
    try:
        frame = polars.read_parquet(path)
    except Exception as error:  # polars raises its own and Rust's
        raise TaskError(f"{path} is not a Parquet file that can be read: {str(error).splitlines()[0]}.") from error
    yield from frame_rows(frame)


def frame_rows(frame: Any) -> Iterator[tuple[int, Row]]:
    """(row number from 1, row) of a pandas or polars frame; missing values are left out, so that defaults hold."""
    columns: dict[str, Sequence[Any]] = {str(name): _values(frame[name]) for name in frame.columns}
    names = list(columns)
    for number, values in enumerate(zip(*columns.values(), strict=True), 1):
        yield number, {name: value for name, value in zip(names, values, strict=True) if not _missing(value)}


def _values(column: Any) -> Sequence[Any]:
    values: list[Any] = column.to_list()
    return [list(value) if hasattr(value, "__array__") and value.ndim > 0 else value for value in values]


def _missing(value: Any) -> bool:
    return value is None or (not isinstance(value, list | str) and value != value)


def parse(rows: Iterable[tuple[int, Row]], model: type[Model], source: str, rename: dict[str, str] | None = None) -> list[Model]:
    """Rows as records; columns the model does not have are left out.

    Raises
    ------
    TaskError
        If rows do not fit: how many, and what is wrong with the first ones, by row number.
    """
    fields = set(model.model_fields)
    found: list[Model] = []
    wrong: list[str] = []
    count = 0
    for number, row in rows:
        named = {(rename or {}).get(name, name): value for name, value in row.items()}
        try:
            found.append(model.model_validate({name: value for name, value in named.items() if name in fields}))
        except ValidationError as error:
            count += 1
            if len(wrong) < SHOWN:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "row"
                wrong.append(f"row {number}: {where}: {first['msg'].removeprefix('Value error, ')}")
    if count:
        more = f" (and {count - len(wrong)} more)" if count > len(wrong) else ""
        raise TaskError(f"{source}: {count} of {count + len(found)} rows are refused: {'; '.join(wrong)}{more}; nothing was taken.")
    if not found:
        raise TaskError(f"{source} holds no rows.")
    return found
