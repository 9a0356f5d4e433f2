"""Format: are the files there, well formed, and about the right rows? Scripts are not trusted, nor are the files they leave."""

import csv
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gome_graph.records import Check, Stage, VerdictKind
from gome_graph.task import FormatError, PreparedTask, SubmissionFormat
from gome_graph.task.metrics.base import Array
from gome_graph.task.tables import MISSING

if TYPE_CHECKING:
    import pandas as pd

OOF, SUBMISSION = "oof.csv", "submission.csv"
_SLACK = 1 << 16
_CELL = {"label": 64, "text": 20_000}
"""Bytes a cell may take beyond its longest label; numbers in full precision need 25."""
_NUMBER = 40
HIGHEST = 512 << 20
"""No table of predictions is read beyond this size, whatever its rows: the controller must stay small."""


class Refused(Exception):
    """The output fails a check; carries the verdict's kind and one sentence."""

    def __init__(self, kind: VerdictKind, reason: str, checks: list[Check]) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.checks = checks


@dataclass(frozen=True)
class Output:
    """What a script wrote, parsed and aligned."""

    oof: Array
    """Encoded out-of-fold predictions of the stage's training rows, in the order of its ``train.csv``."""
    submission: "Array | None"
    """Encoded predictions of the stage's ``test.csv`` rows, in its order; None if there are no test rows."""
    checks: list[Check]


def read_output(prepared: PreparedTask, output_dir: Path, stage: Stage) -> Output:
    """Check and parse ``output/`` of a workspace. Raises `Refused` (kind ``bad_format``) at the first rule that is broken."""
    ids = stage_ids(prepared, stage)
    wanted = {OOF: ids}
    test_ids = prepared.test_ids(stage)
    if len(test_ids):
        wanted[SUBMISSION] = test_ids
    checks: list[Check] = []
    contents = {name: _read(output_dir, name, _cap(prepared.format, rows), checks) for name, rows in wanted.items()}
    checks.append(Check(name="files", passed=True, detail=f"{' and '.join(wanted)} are regular files of a sensible size"))
    headers = {name: _header(name, content, prepared.format, checks) for name, content in contents.items()}
    if len(headers) == 2 and set(headers[OOF]) != set(headers[SUBMISSION]):
        _refuse(checks, "schema", f"{OOF} has the columns {', '.join(headers[OOF])} but {SUBMISSION} has {', '.join(headers[SUBMISSION])}; "
                                  "write the same columns to both.")  # fmt: skip
    checks.append(Check(name="schema", passed=True, detail=f"columns {', '.join(headers[OOF][:6])}"))
    arrays = {}
    for name, content in contents.items():
        frame = _parse(name, content, headers[name], prepared.format, checks)
        try:
            arrays[name] = prepared.format.predictions(frame, wanted[name])
        except FormatError as error:
            _refuse(checks, "rows", f"{name}: {error}")
    checks.append(Check(name="rows", passed=True, detail=f"{len(ids)} training and {len(test_ids)} test rows, each predicted once"))
    return Output(arrays[OOF], arrays.get(SUBMISSION), checks)


def stage_ids(prepared: PreparedTask, stage: Stage) -> Array:
    """Ids of the stage's training rows, in the order of its ``train.csv``."""
    rows = prepared.rows(stage)
    return (prepared.final_ids if stage is Stage.FINAL else prepared.train_ids)[rows]


def _refuse(checks: list[Check], name: str, reason: str) -> NoReturn:
    raise Refused(VerdictKind.BAD_FORMAT, reason, [*checks, Check(name=name, passed=False, detail=reason)])


def _cap(form: SubmissionFormat, ids: Array) -> int:
    """Largest size that a table of these rows can need."""
    longest = int(ids.dtype.itemsize) if ids.dtype.kind == "U" else max((len(str(i)) * 4 for i in ids), default=0)
    cell = _CELL.get(form.kind, _NUMBER) + (4 * max((len(c) for c in form.classes), default=0) if form.kind == "label" else 0)
    return int(min(HIGHEST, _SLACK + len(ids) * (longest + 4 + cell * max(1, len(form.columns)))))


def _read(output_dir: Path, name: str, cap: int, checks: list[Check]) -> bytes:
    """The file's bytes, read through one descriptor that follows no link, so that what was checked is what is read."""
    if output_dir.is_symlink() or not output_dir.is_dir():
        _refuse(checks, "files", "output/ is not a directory; the script must write its files into output/ of its working directory.")
    path = output_dir / name
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        _refuse(checks, "files", f"output/{name} is missing; the script must write it.")
    except OSError:
        _refuse(checks, "files", f"output/{name} is a symbolic link or cannot be opened; write a regular file.")
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            _refuse(checks, "files", f"output/{name} is not a regular file.")
        if found.st_size > cap:
            _refuse(checks, "files", f"output/{name} is {found.st_size:,} bytes, more than the {cap:,} that its rows can need.")
        if found.st_size == 0:
            _refuse(checks, "files", f"output/{name} is empty.")
        return file.read(cap + 1)


def _header(name: str, content: bytes, form: SubmissionFormat, checks: list[Check]) -> list[str]:
    line = content[: 1 << 20].split(b"\n", 1)[0].rstrip(b"\r")
    try:
        columns = next(csv.reader([line.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error):
        _refuse(checks, "schema", f"{name} is not a UTF-8 CSV table.")
    expected = [*([form.id_column] if form.id_column else []), *form.columns]
    missing = [c for c in expected if c not in columns]
    if missing:
        _refuse(
            checks,
            "schema",
            f"{name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing[:5])}; it has {', '.join(columns[:8])[:200]}.",
        )
    extra = [c for c in columns if c not in expected] or sorted({c for c in columns if columns.count(c) > 1})
    if form.id_column and extra:
        _refuse(
            checks,
            "schema",
            f"{name} has columns that do not belong there: {', '.join(map(repr, extra[:5]))[:200]}; expected {', '.join(expected[:8])}.",
        )
    return columns


def _parse(name: str, content: bytes, columns: list[str], form: SubmissionFormat, checks: list[Check]) -> "pd.DataFrame":
    import pandas as pd

    # Labels and texts as they stand; numbers as pandas finds them, so that `predictions` can name the cell that is none.
    numeric = form.kind not in ("label", "text")
    kinds: dict[str, Any] = {c: object for c in columns if not (numeric and c in form.columns)}
    empty = {c: list(MISSING) for c in form.columns} if numeric else []
    try:
        return pd.read_csv(io.BytesIO(content), dtype=kinds, keep_default_na=False, na_values=empty)
    except (ValueError, OverflowError, MemoryError) as error:
        reason = f"{name} cannot be read as a CSV table ({' '.join(str(error).split())[:160]})."
        raise Refused(VerdictKind.BAD_FORMAT, reason, [*checks, Check(name="rows", passed=False, detail=reason)]) from error
