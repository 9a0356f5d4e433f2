"""Which files go with the rows, and what they hold."""

from pathlib import Path

import pandas as pd
import pytest

from gome_graph.records import FileKind, LinkedTable
from gome_graph.task.linked_tables import find_linked_tables
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
        ("{}.json", '{"age": 3, "sex": "f", "home": {"rooms": 2.5, "pets": [1]}}', FileKind.JSON, ["age", "home.rooms"]),
        ("{}.csv", "time,value,word\n0,1.5,a\n1,2.5,b\n", FileKind.TABLE, ["time", "value"]),
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


def linked(root: Path, train: pd.DataFrame, test: pd.DataFrame, **files: str) -> "list[LinkedTable]":
    names = write(root, {f"{name}.csv": text for name, text in files.items()})
    return find_linked_tables(root, names, train, test, "id", ["label"])


def test_tables_that_share_a_column_with_the_rows_are_linked(tmp_path: Path) -> None:
    train = table([str(n) for n in range(ROWS)], shop=["a", "b"] * (ROWS // 2), label=["1"] * ROWS)
    test = table(["900"], shop=["a"])
    visits = "id,spent,way\n" + "".join(f"{n % ROWS},{n},{'bus' if n % 3 else 'foot'}\n" for n in range(200))

    shops, many = linked(tmp_path, train, test, shops="shop,size,town\na,3,x\nb,4,y\n", visits=visits, other="word,n\nx,1\n")

    assert (shops.key, shops.unique, shops.numbers, shops.categories) == ("shop", True, ["size"], ["town"])
    assert (many.key, many.unique, many.numbers, many.categories) == ("id", False, ["spent"], ["way"])
    assert many.coverage == 1.0


def test_an_id_that_means_two_rows_links_nothing(tmp_path: Path) -> None:
    rows = table([str(n) for n in range(ROWS)])
    assert linked(tmp_path, rows, rows, visits="id,spent\n1,2\n" * 2) == []
