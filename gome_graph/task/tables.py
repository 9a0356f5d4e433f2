"""Tables as text: every cell stays exactly as it stands in the file, so that ids like ``007`` or ``0013_01`` survive."""

import csv
import gzip
import io
import json
import re
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError

if TYPE_CHECKING:
    import pandas as pd

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
PACKED_SUFFIXES = (".gz", ".zip")

_DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?(e[+-]?\d+)?", re.IGNORECASE)
MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None",
     "n/a", "nan", "null"]
)  # fmt: skip
"""What pandas.read_csv takes for a missing value by default, and so what a script sees as one."""


def is_table(path: Path) -> bool:
    """True if the name says that `read_table` can read it."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes = suffixes[:-1]
    return bool(suffixes) and suffixes[-1] in TABLE_SUFFIXES


def table_stem(path: Path) -> str:
    """The file's name without its table suffixes: ``train`` for ``train.csv.gz``."""
    name = path.name
    for suffix in reversed(path.suffixes):
        if suffix.lower() in (*TABLE_SUFFIXES, *PACKED_SUFFIXES):
            name = name[: -len(suffix)]
    return name


def read_table(path: Path) -> "pd.DataFrame":
    """A table of strings from CSV, TSV or JSON records (``.gz`` or one-file ``.zip`` around it), with columns and rows in file order.

    Lists and objects in JSON become JSON text, null becomes the empty string. Raises `TaskError` with one sentence for a file that is
    missing, empty, not UTF-8, ragged, or has two columns of the same name.
    """
    text = _read_text(path)
    if not text.strip():
        raise TaskError(f"{path} is empty; a header line and at least one row are needed.")
    inner = path.name.lower().removesuffix(".gz").removesuffix(".zip")
    if inner.endswith((".json", ".jsonl", ".ndjson")):
        return _from_json(path, text, lines=not inner.endswith(".json"))
    return _from_csv(path, text)


def read_header(path: Path) -> list[str]:
    """Column names of a CSV or TSV file, or [] if it cannot be read as one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except (OSError, UnicodeDecodeError):
        return []
    return next(csv.reader([first], delimiter=_delimiter(path, first)), [])


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise TaskError(f"{path} is a folder, but a table file is needed here.")
    if not path.exists():
        raise TaskError(f"{path} does not exist; check the path.")
    if path.suffix.lower() == ".parquet":
        raise TaskError(f"{path} is a Parquet file, which gome does not read; save it as CSV.")
    try:
        raw = path.read_bytes()
        if path.suffix.lower() == ".gz":
            raw = gzip.decompress(raw)
        elif path.suffix.lower() == ".zip":
            raw = _only_member(path, raw)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is not UTF-8 text (byte {error.start} cannot be read); save it as UTF-8.") from error
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise TaskError(f"{path} cannot be read: {error}.") from error


def _only_member(path: Path, raw: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX")]
        if len(names) != 1:
            raise TaskError(f"{path} holds {len(names)} files, but one table is needed; unpack it and name the file.")
        return archive.read(names[0])


def _delimiter(path: Path, header: str) -> str:
    if path.name.lower().removesuffix(".gz").removesuffix(".zip").endswith(".tsv"):
        return "\t"
    if "," in header:
        return ","
    return next((mark for mark in ("\t", ";", "|") if mark in header), ",")


def _from_csv(path: Path, text: str) -> "pd.DataFrame":
    import pandas as pd

    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = text.lstrip("\n").split("\n", 1)[0]
    delimiter = _delimiter(path, first)
    header = next(csv.reader([first], delimiter=delimiter))
    _check_names(path, header)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(io.StringIO(text), sep=delimiter, dtype=object, na_filter=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        raise TaskError(f"{path} is not a proper CSV file: {_plain(error, len(header))}; mend or remove that line.") from error
    if frame.shape[1] != len(header):
        raise TaskError(f"{path} has a header of {len(header)} columns, but rows of {frame.shape[1]}; mend the header.")
    if (frame.iloc[:, -1].to_numpy() == "").any():  # pandas fills short rows up in silence
        _check_lengths(path, text, delimiter, len(header))
    frame.columns = pd.Index(header, dtype=object)
    if delimiter == ";":
        _mend_commas(frame)
    return frame


def _mend_commas(frame: "pd.DataFrame") -> None:
    """Write ``1.234,5`` as ``1234.5`` in columns that hold nothing but such numbers: where a table is divided by semicolons, a comma in a
    number is a decimal comma (CSV as spreadsheets write it in most of Europe)."""
    for name in frame.columns:
        cells = frame[name].to_numpy(dtype=object)
        present = ~missing(cells)
        known = cells[present].tolist()
        if any("," in cell for cell in known) and all(map(_DECIMAL_COMMA.fullmatch, known)):
            mended = cells.copy()
            mended[present] = [cell.replace(".", "").replace(",", ".") for cell in known]  # marks of missing values may hold periods too
            frame[name] = mended


def _check_lengths(path: Path, text: str, delimiter: str, fields: int) -> None:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    short = next((reader.line_num for row in reader if row and len(row) < fields), None)
    if short is not None:
        raise TaskError(f"{path} is not a proper CSV file: line {short} has fewer than {fields} fields; mend or remove that line.")


def _plain(error: Exception, fields: int) -> str:
    text = str(error).strip().splitlines()[0]
    if "Expected" in text and "saw" in text:
        return text[text.index("Expected") :].replace("Expected", "expected")
    if "Length of header" in text:
        return f"a row has more than the header's {fields} fields"
    return text.replace("Error tokenizing data. C error: ", "")


def _check_names(path: Path, names: list[str]) -> None:
    double = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if double is not None:
        raise TaskError(f"{path} has two columns called {double!r}; rename one of them.")


def _from_json(path: Path, text: str, *, lines: bool) -> "pd.DataFrame":
    import pandas as pd

    try:
        records = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    except json.JSONDecodeError as error:
        raise TaskError(f"{path} is not valid JSON (line {error.lineno}: {error.msg}); mend that line.") from error
    if isinstance(records, dict):
        lists = [value for value in records.values() if isinstance(value, list)]
        if len(lists) != 1:
            raise TaskError(f"{path} must hold a list of records, one object a row.")
        records = lists[0]
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise TaskError(f"{path} must hold a list of records, one object a row.")
    if not records:
        raise TaskError(f"{path} holds no records; at least one row is needed.")
    names = list(dict.fromkeys(name for record in records for name in record))
    return pd.DataFrame({name: as_cells([_cell(record.get(name)) for record in records]) for name in names})


def as_cells(values: list[str]) -> NDArray[Any]:
    """A column of text cells ``(n,)``."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def missing(cells: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the text cells ``(n,)`` a script would see as missing."""
    return np.fromiter(map(MISSING.__contains__, cells.tolist()), dtype=np.bool_, count=len(cells))


def numbers(cells: NDArray[Any]) -> NDArray[np.float64] | None:
    """Text cells ``(n,)`` as floats with NaN for missing ones, or None if some other cell is not a number."""
    import pandas as pd

    try:
        values: NDArray[np.float64] = pd.to_numeric(pd.Series(cells, dtype=object)).to_numpy(dtype=np.float64)
    except (ValueError, TypeError):
        absent = missing(cells)
        if not absent.any() or absent.all():
            return None
        try:
            known = pd.to_numeric(pd.Series(cells[~absent], dtype=object)).to_numpy(dtype=np.float64)
        except (ValueError, TypeError):
            return None
        values = np.full(len(cells), np.nan)
        values[~absent] = known
    return values


def write_csv(frame: "pd.DataFrame", path: Path) -> None:
    """Write a table of strings as comma-separated UTF-8. `path` lies in a folder that is not visible yet, so this needs no temporary."""
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")
