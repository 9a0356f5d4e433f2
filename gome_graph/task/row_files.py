"""Files that go with single rows: an image, a geometry, a record for each id. Where they lie, and what they hold."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome_graph.records import FileKind, RowFiles

if TYPE_CHECKING:
    import pandas as pd

MIN_COVERAGE = 0.5
"""Files that fewer of the rows have are no input worth a feature."""
SAMPLED = 40
"""Files that are opened to see what they hold: enough to meet every common element or key."""
SAMPLED_BYTES = 1 << 20
"""Of each of them, at most so much is read."""
MAX_NAMES = 40
SHORT = 40
"""Characters up to which a string in a record is taken for a category."""
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
_PATH_VALUE = re.compile(r"[^\s,;]+\.[A-Za-z]\w{1,4}")
_ELEMENT = re.compile(r"[A-Z][a-z]?")
_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


def row_in(part: str, rows: "frozenset[str] | set[str]") -> tuple[str, str] | None:
    """(row, what the part is but for the row: ``{}.png``) if a part of a path names one of `rows`, else None.

    ``17``, ``17.png``, ``00017.png`` (``{:0>5}.png``) name row 17; ``a1.png`` also names a row that is itself called so.
    """
    if part in rows:
        return part, "{}"
    stem, dot, rest = part.partition(".")
    if dot and stem in rows:
        return stem, "{}" + _escaped(dot + rest)
    bare = stem.lstrip("0") or "0"
    if stem.isdecimal() and stem != bare and bare in rows:
        return bare, f"{{:0>{len(stem)}}}" + _escaped(dot + rest)
    return None


def find_row_files(root: Path, files: Sequence[str], train: "pd.DataFrame", test: "pd.DataFrame", id_column: str) -> list[RowFiles]:
    """Kinds of files of which (nearly) every row has one, the best covered first.

    `files` are paths relative to `root`; a file belongs to a row if a part of its path is the row's id (the table may lack
    zeros in front), or if a column holds its path. Ids of `train` and `test` are looked for on their own side where folders are named so.
    """
    found = []
    ids, test_ids = (set(table[id_column].tolist()) if id_column in table.columns else set() for table in (train, test))
    patterns = _id_patterns(files, ids, test_ids)
    for (side, pattern), rows in patterns.items():
        share = len(rows) / max(len(ids), 1)
        twin = _twin(pattern) if side == "train" else pattern
        if side == "test" or share < MIN_COVERAGE:
            continue
        if side == "train" and ("test", twin) not in patterns:
            twin = pattern
        found.append(_described(root, id_column, pattern, twin, share, list(rows.values())))
    covered = set(files) - {file for rows in patterns.values() for file in rows.values()}
    if covered:
        found += _path_columns(root, sorted(covered), train, id_column)
    return sorted(found, key=lambda row_files: (-row_files.coverage, row_files.train))


def _id_patterns(files: Sequence[str], ids: set[str], test_ids: set[str]) -> dict[tuple[str, str], dict[str, str]]:
    """(side, pattern) -> row -> file; the side is ``train``, ``test``, or ``both`` for folders that do not say."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for file in files:
        parts = file.split("/")
        top = parts[0].lower()
        side = "train" if "train" in top else "test" if "test" in top else "both"
        rows = {"train": ids, "test": test_ids}.get(side, ids | test_ids)
        for place, part in enumerate(parts):
            hit = row_in(part, rows)
            if hit is None or (place == 0 and len(parts) > 1 and side != "both"):
                continue
            row, slot = hit
            if side != "both" or row in ids:
                pattern = "/".join([*map(_escaped, parts[:place]), slot, *map(_escaped, parts[place + 1 :])])
                found.setdefault((side, pattern), {})[row] = file
            break
    return found


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _twin(pattern: str) -> str:
    top, slash, rest = pattern.partition("/")
    return top.replace("train", "test").replace("Train", "Test").replace("TRAIN", "TEST") + slash + rest


def _path_columns(root: Path, files: list[str], train: "pd.DataFrame", id_column: str) -> list[RowFiles]:
    """Columns whose values are paths or names of files, all below one folder."""
    found = []
    known = set(files)
    for name in (str(column) for column in train.columns if column != id_column):
        values = [value for value in train[name].tolist() if value]
        looked = values[:: max(1, len(values) // SAMPLED)]
        if not looked or sum(_PATH_VALUE.fullmatch(value) is not None for value in looked) < 0.9 * len(looked):
            continue
        prefixes = {file[: -len(looked[0])] for file in files if file == looked[0] or file.endswith("/" + looked[0])}
        for prefix in sorted(prefixes):
            share = sum(prefix + value in known for value in values) / len(train)
            if share >= MIN_COVERAGE:
                there = [prefix + value for value in looked if prefix + value in known]
                found.append(_described(root, name, _escaped(prefix) + "{}", _escaped(prefix) + "{}", share, there))
                break
    return found


def _described(root: Path, key: str, train: str, test: str, coverage: float, files: list[str]) -> RowFiles:
    """What the files hold, judged by a sample of them."""
    looked = [root / file for file in sorted(files)[:: max(1, len(files) // SAMPLED)][:SAMPLED]]
    return RowFiles(key=key, train=train, test=test, coverage=round(coverage, 4), **_content(looked))


def _content(looked: list[Path]) -> dict[str, Any]:
    """``kind`` of the files, and the ``names``, ``categories`` and ``periodic`` that go with it."""
    suffix = looked[0].suffix.lower()
    if suffix in IMAGES:
        return {"kind": FileKind.IMAGE}
    texts = [text for path in looked if (text := _text(path)) is not None]
    if len(texts) < len(looked):
        return {"kind": FileKind.OTHER}
    if suffix == ".json":
        numbers, words = Counter[str](), Counter[str]()
        for key, value in (leaf for text in texts for leaf in json_leaves(_json(text))):
            if isinstance(value, int | float) and not isinstance(value, bool):
                numbers[key] += 1
            elif isinstance(value, bool) or (isinstance(value, str) and len(value) <= SHORT):
                words[key] += 1
        kept = [key for key, count in words.most_common(MAX_NAMES) if count > numbers[key]]
        names = [key for key, _ in numbers.most_common(MAX_NAMES) if key not in kept]
        return {"kind": FileKind.JSON, "names": names, "categories": kept}
    if suffix in {".csv", ".tsv"}:
        columns = Counter(name for text in texts for name in _number_columns(text, suffix))
        return {"kind": FileKind.TABLE, "names": [name for name, n in columns.most_common(MAX_NAMES) if n >= 0.9 * len(texts)]}
    atoms = [_atoms(text) for text in texts]
    if sum(bool(elements) for elements, _ in atoms) >= 0.9 * len(atoms):
        counts = Counter(element for elements, _ in atoms for element in elements)
        names = [element for element, _ in counts.most_common(MAX_NAMES)]
        return {"kind": FileKind.GEOMETRY, "names": names, "periodic": all(lattice == 3 for _, lattice in atoms)}
    return {"kind": FileKind.TEXT}


def _text(path: Path) -> str | None:
    """The beginning of a text file; None for anything else."""
    try:
        with path.open("rb") as file:
            raw = file.read(SAMPLED_BYTES)
    except OSError:
        return None
    return None if b"\0" in raw else raw.decode("utf-8", errors="replace")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def json_leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of what is neither an object nor a list, as `pandas.json_normalize` names them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from json_leaves(inner, f"{path}.{key}" if path else str(key))
    elif path and not isinstance(value, list):
        yield path, value


def _number_columns(text: str, suffix: str) -> list[str]:
    """Columns of a small table whose first cell is a number."""
    rows = list(csv.reader(text.splitlines()[:2], delimiter="\t" if suffix == ".tsv" else ","))
    return [name for name, cell in zip(*rows, strict=False) if _NUMBER.fullmatch(cell.strip())] if len(rows) == 2 else []


def _atoms(text: str) -> tuple[list[str], int]:
    """(element of each atom, number of lattice vectors); no elements if most lines are something else."""
    elements: list[str] = []
    lattice = 3 if re.search(r'Lattice="', text) else 0
    others = 0
    for line in text.splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        numbers = sum(_NUMBER.fullmatch(word) is not None for word in words)
        symbol = next((word for word in words if _ELEMENT.fullmatch(word)), None)
        if numbers >= 3 and symbol is not None and len(words) <= numbers + 3:
            elements.append(symbol)
        elif numbers == 3 and words[0].lower().startswith("lattice"):
            lattice += 1
        else:
            others += 1
    return (elements, lattice) if len(elements) > others else ([], 0)
