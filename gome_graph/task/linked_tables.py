"""Further tables whose rows belong to the task's rows: what a customer bought, the shop of each sale."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gome_graph.errors import TaskError
from gome_graph.records import ColumnKind, LinkedTable
from gome_graph.task.columns import profile_column
from gome_graph.task.tables import read_header, read_table, table_stem

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 64 << 20
"""A larger table is not looked into: a script could not read it in passing either."""
MIN_COVERAGE = 0.5
"""A table that says nothing of most rows is no input."""
LOOKED_AT = 5_000
"""Rows by which a table's columns are judged."""
MAX_COLUMNS = 20
"""Columns of a kind that are taken."""


def find_linked_tables(
    root: Path, files: Sequence[str], train: "pd.DataFrame", test: "pd.DataFrame", id_column: str, targets: Sequence[str]
) -> list[LinkedTable]:
    """CSV and TSV files with a column of the same name and values as an input column, joined by the id where that is possible.

    An id that names different rows in `train` and `test` joins nothing: which of them is meant would be a guess.
    """
    clash = id_column in train.columns and id_column in test.columns and bool(set(train[id_column]) & set(test[id_column]))
    shared = [str(name) for name in train.columns if (name in test.columns or not len(test)) and name not in targets]
    keys = sorted((name for name in shared if name != id_column or not clash), key=lambda name: name != id_column)
    found = []
    for file in files:
        path = root / file
        if path.suffix.lower() not in {".csv", ".tsv"} or path.stat().st_size > MAX_BYTES:
            continue
        header = set(read_header(path))
        candidates = [key for key in keys if key in header]
        if not candidates or len(header) < 2:
            continue
        try:
            table = read_table(path)
        except TaskError:
            continue
        for key in candidates:
            share = float(train[key].isin(set(table[key].tolist()) - {""}).mean())
            if share >= MIN_COVERAGE:
                linked = _described(file, table, key, share, taken={*targets, *shared})
                found += [linked] if linked is not None else []
                break
    return found


def _described(file: str, table: "pd.DataFrame", key: str, share: float, *, taken: set[str]) -> LinkedTable | None:
    own = [str(name) for name in table.columns if name not in taken]
    kinds = {name: profile_column(name, table[name].to_numpy(dtype=object)[:LOOKED_AT], None).kind for name in own}
    unique = bool(table[key].is_unique)
    numbers = [name for name in own if kinds[name] is ColumnKind.NUMBER][:MAX_COLUMNS]
    categories = [name for name in own if kinds[name] in (ColumnKind.CATEGORY, ColumnKind.BOOLEAN)][:MAX_COLUMNS]
    if unique and not numbers and not categories:
        return None
    return LinkedTable(
        file=file, key=key, prefix=re.sub(r"\W+", "_", table_stem(Path(file))), rows=len(table), unique=unique, numbers=numbers,
        categories=categories, coverage=round(share, 4), separator="\t" if file.lower().endswith(".tsv") else ",",
    )  # fmt: skip
