"""Which files go with the rows, and what they hold."""

from pathlib import Path

import pandas as pd
import pytest

from gome_graph.records import FileKind
from gome_graph.task.row_files import find_row_files, row_in
from tests.reasoners.files import crystal, molecule

ROWS = 50


def table(ids: list[str], **columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"id": ids, **columns}, dtype=object)


def write(root: Path, names: dict[str, str]) -> list[str]:
    for name, text in names.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return sorted(names)


def test_geometries_lie_under_train_and_test_by_id(tmp_path: Path) -> None:
    ids = [str(n) for n in range(1, ROWS)]
    files = write(tmp_path, {f"{side}/{n}/atoms.xyz": crystal(4.0) for side in ("train", "test") for n in ids})

    (found,) = find_row_files(tmp_path, [*files, "notes.txt"], table(ids), table(ids), "id")

    assert (found.kind, found.key, found.train, found.test) == (FileKind.GEOMETRY, "id", "train/{}/atoms.xyz", "test/{}/atoms.xyz")
    assert found.coverage == 1.0
    assert set(found.names) == {"Zn", "O"}
    assert found.periodic


def test_one_folder_serves_both_tables_and_zeros_in_front_are_found(tmp_path: Path) -> None:
    train, test = [str(n) for n in range(ROWS)], [str(n) for n in range(ROWS, 80)]
    files = write(tmp_path, {f"shapes/{n:0>4}.xyz": molecule(1.0) for n in [*train, *test]})

    (found,) = find_row_files(tmp_path, files, table(train), table(test), "id")

    assert found.train == found.test == "shapes/{:0>4}.xyz"
    assert found.names == ["H", "C"]
    assert not found.periodic


@pytest.mark.parametrize(
    ("name", "text", "kind", "names"),
    [
        ("{}.json", '{"age": 3, "sex": "f"}', FileKind.JSON, ["age", "sex"]),
        ("{}.csv", "time,value\n0,1.5\n1,2.5\n", FileKind.TABLE, ["time", "value"]),
        ("{}.txt", "It was a dark and stormy night. 1 2 3\n", FileKind.TEXT, []),
        ("{}.png", "not really", FileKind.IMAGE, []),
        ("{}.bin", "\0\1", FileKind.OTHER, []),
    ],
)
def test_what_files_hold(tmp_path: Path, name: str, text: str, kind: FileKind, names: list[str]) -> None:
    ids = [f"a{n}" for n in range(ROWS)]
    files = write(tmp_path, {f"files/{name.format(row)}": text for row in ids})

    (found,) = find_row_files(tmp_path, files, table(ids), table([]), "id")

    assert (found.kind, found.names) == (kind, names)


def test_a_column_of_paths_names_the_files(tmp_path: Path) -> None:
    ids = [str(n) for n in range(ROWS)]
    paths = [f"img_{n}.jpg" for n in range(100, 100 + ROWS)]
    files = write(tmp_path, {f"pictures/all/{path}": "x" for path in paths})

    (found,) = find_row_files(tmp_path, files, table(ids, picture=paths, colour=["red"] * ROWS), table([]), "id")

    assert (found.key, found.train, found.kind) == ("picture", "pictures/all/{}", FileKind.IMAGE)


def test_files_of_few_rows_are_not_counted_as_inputs(tmp_path: Path) -> None:
    ids = [str(n) for n in range(ROWS)]
    files = write(tmp_path, {f"extra/{n}.txt": "x" for n in ids[:5]})
    assert find_row_files(tmp_path, files, table(ids), table([]), "id") == []


def test_a_part_names_a_row_with_or_without_its_ending() -> None:
    rows = {"17", "a.png"}
    assert row_in("17", rows) == ("17", "{}")
    assert row_in("17.tar.gz", rows) == ("17", "{}.tar.gz")
    assert row_in("a.png", rows) == ("a.png", "{}")
    assert row_in("00017.png", rows) == ("17", "{:0>5}.png")
    assert row_in("170", rows) is None
