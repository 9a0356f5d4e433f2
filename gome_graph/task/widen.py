"""Inputs made flat: a text that lies in a file of its row, and cells that hold JSON records, become columns of the tables.

Scripts, diagnosers and reasoners know columns; so these inputs are read once, when a task is prepared, and every script finds them in
``train.csv`` and ``test.csv``. Nothing here looks at targets.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome_graph.records import FileKind, RowFiles
from gome_graph.task.row_files import json_leaves
from gome_graph.task.tables import MISSING, as_cells

if TYPE_CHECKING:
    import pandas as pd

MOST_CHARACTERS = 100_000
"""Of a row's text; what follows is left out."""
MOST_BYTES = 512 << 20
"""Texts of all rows together; where there are more, they stay files."""
LOOKED_AT = 50
"""Cells that must all look like records before a whole column is read."""
READABLE = 0.95
"""Share of a column's cells that must hold records."""
MOST_FIELDS = 30
LEAST_SHARE = 0.01
"""Fields that fewer of the rows have are left out."""
CELL_CHARACTERS = 50_000
_ODD = re.compile(r"[^\w.]+")
"""What the names of columns had better not hold: some libraries refuse brackets, braces, colons."""


@dataclass(frozen=True)
class Widened:
    """Tables with more columns."""

    train: "pd.DataFrame"
    test: "pd.DataFrame | None"
    left: list[RowFiles]
    """Files of rows that stay files."""
    made: list[str]
    """What was made of what, a sentence each."""


def widen(
    train: "pd.DataFrame", test: "pd.DataFrame | None", *, root: Path, files: Sequence[str], row_files: Sequence[RowFiles],
    keep: Sequence[str],
) -> Widened:  # fmt: skip
    """Texts of rows and fields of records as columns. Columns named in `keep` (id, targets, dropped ones) stay as they are."""
    wide, left = Widened(train, test, [], []), list[RowFiles]()
    for each in row_files:
        found = _texts(wide, root, files, each) if each.kind is FileKind.TEXT else None
        wide, left = (wide, [*left, each]) if found is None else (found, left)
    for name in [str(column) for column in train.columns if column not in keep]:
        if test is None or name in test.columns:
            wide = _opened(wide, name) or wide
    return Widened(wide.train, wide.test, left, wide.made)


def _texts(wide: Widened, root: Path, files: Sequence[str], which: RowFiles) -> Widened | None:
    """One column more: the text of each row's file; None if they are too many."""
    known = set(files)
    name = _free("text", wide)
    columns, total = [], 0
    for table, pattern in ((wide.train, which.train), (wide.test, which.test)):
        texts = []
        for value in () if table is None else table[which.key].tolist():
            path = pattern.format(value)
            text = _read(root / path) if path in known else ""
            total += len(text)
            if total > MOST_BYTES:
                return None
            texts.append(text)
        columns.append(texts)
    made = f"Column {name!r} holds each row's text, read from {which.train}."
    train = wide.train.assign(**{name: as_cells(columns[0])})
    test = None if wide.test is None else wide.test.assign(**{name: as_cells(columns[1])})
    return Widened(train, test, wide.left, [*wide.made, made])


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST_CHARACTERS).replace("\0", " ")
    except OSError:
        return ""


def _opened(wide: Widened, name: str) -> Widened | None:
    """A column of records as columns of their fields, one of lists of records as lists of their names; None for anything else."""
    cells = wide.train[name].tolist()
    present = [cell for cell in cells if cell not in MISSING]
    looked = present[:: max(1, len(present) // LOOKED_AT)]
    if not looked or not all(cell.lstrip()[:1] in ("{", "[") for cell in looked) or not any("{" in cell for cell in looked):
        return None
    values = [_value(cell) for cell in cells]
    known = [value for cell, value in zip(cells, values, strict=True) if cell not in MISSING]
    if sum(isinstance(value, dict) for value in known) >= READABLE * len(known):
        return _fields(wide, name, values)
    records = [value for value in known if isinstance(value, list) and all(isinstance(item, dict) for item in value)]
    return _names(wide, name, values) if len(records) >= READABLE * len(known) else None


def _value(cell: str) -> Any:
    """What a cell holds, as JSON or as Python prints it; None if neither."""
    if not cell or len(cell) > CELL_CHARACTERS:
        return None
    with suppress(ValueError, RecursionError):
        return json.loads(cell)
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _fields(wide: Widened, name: str, values: list[Any]) -> Widened | None:
    rows = [_flat(value) for value in values]
    counts = Counter(key for row in rows for key in row)
    keys = [key for key, count in counts.most_common() if count >= LEAST_SHARE * len(rows) and len({row.get(key, "") for row in rows}) > 1]
    columns = {_free(f"{name}.{_ODD.sub('_', key)}", wide): key for key in keys[:MOST_FIELDS]}
    if not columns:
        return None

    def make(values: list[Any]) -> dict[str, list[str]]:
        rows = [_flat(value) for value in values]
        return {column: [row.get(key, "") for row in rows] for column, key in columns.items()}

    some = ", ".join(map(repr, list(columns)[:5])) + (" …" if len(columns) > 5 else "")
    return _replaced(wide, name, values, make, f"Column {name!r} holds records; their fields became {some}.")


def _flat(value: Any) -> dict[str, str]:
    return dict(_leaves(value)) if isinstance(value, dict) else {}


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    """(dotted key, text) of numbers, words and lists of words in a record."""
    for key, leaf in json_leaves(value):
        if leaf is not None:
            yield key, str(leaf)
    for key, leaf in value.items():
        if isinstance(leaf, list) and leaf and all(isinstance(item, str | int | float) for item in leaf):
            yield str(key), json.dumps(leaf, ensure_ascii=False)


def _names(wide: Widened, name: str, values: list[Any]) -> Widened | None:
    """Each list of records as the list of one field's values: ``name`` where there is one, else the words that most records have."""
    items = [item for value in values if isinstance(value, list) for item in value if isinstance(item, dict)]
    counts = Counter(key for item in items for key, leaf in item.items() if isinstance(leaf, str))
    if not counts:
        return None
    field = "name" if counts["name"] >= 0.5 * len(items) else counts.most_common(1)[0][0]

    def listed(value: Any) -> str:
        given = value if isinstance(value, list) else []
        return json.dumps([str(item[field]) for item in given if isinstance(item, dict) and item.get(field)], ensure_ascii=False)

    made = f"Column {name!r} holds lists of records; it became the list of their {field!r}."
    return _replaced(wide, name, values, lambda values: {name: [listed(value) for value in values]}, made)


def _replaced(wide: Widened, name: str, values: list[Any], make: Callable[[list[Any]], dict[str, list[str]]], made: str) -> Widened:
    """Both tables with the columns that `make` makes of a column's values in the place of column `name`; `values` are those of train."""

    def changed(table: "pd.DataFrame", values: list[Any]) -> "pd.DataFrame":
        place, fresh = list(table.columns).index(name), table.drop(columns=[name])
        for offset, (column, texts) in enumerate(make(values).items()):
            fresh.insert(place + offset, column, as_cells(texts))
        return fresh

    test = None if wide.test is None else changed(wide.test, [_value(cell) for cell in wide.test[name].tolist()])
    return Widened(changed(wide.train, values), test, wide.left, [*wide.made, made])


def _free(name: str, wide: Widened) -> str:
    taken = {*wide.train.columns, *(() if wide.test is None else wide.test.columns)}
    while name in taken:
        name = f"row_{name}"
    return name
