"""Texts in files of rows, and records in cells, become columns when a task is prepared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.records import ColumnKind, Stage
from gome_graph.task import load_task, prepare
from tests.task.make import make_tables, write_task

GENRES = ["Comedy", "Drama", "War"]


def column(prepared, name):
    return next(c for c in prepared.profile.columns if c.name == name)


def seen(prepared, stage=Stage.FULL):
    folder = prepared.input_dir(stage)
    return tuple(pd.read_csv(folder / f"{part}.csv", dtype=str, keep_default_na=False) for part in ("train", "test"))


def prepared_with(tmp_path: Path, make, files=None):
    """A prepared task whose inputs `make` changed, and its tables as given."""
    train, test, answers = make_tables()
    train, test = make(train), make(test)
    folder = write_task(tmp_path / "task", train, test, answers.assign(label="no"))
    for name, text in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return prepare(load_task(folder), tmp_path / "prepared", seed=0), train, test


def test_a_text_in_a_file_of_each_row_becomes_a_column(tmp_path):
    train, test, _ = make_tables()
    words = {
        f"essays/{part}/{row}.txt": f"Essay {row} tells at length,\nin two lines, of \"things\" and of others besides it all."
        for part, table in (("train", train), ("test", test)) for row in table["id"]
    }  # fmt: skip
    gone = f"essays/train/{train['id'][3]}.txt"
    prepared, train, test = prepared_with(tmp_path, lambda table: table, {name: text for name, text in words.items() if name != gone})

    assert column(prepared, "text").kind is ColumnKind.TEXT
    assert prepared.profile.row_files == []
    assert prepared.profile.made == ["Column 'text' holds each row's text, read from essays/train/{}.txt."]
    shown, asked = seen(prepared)
    of = {row: text for name, text in words.items() if name != gone for row in [Path(name).stem]}
    assert [of.get(row, "") for row in shown["id"]] == shown["text"].tolist()
    assert set(asked["text"]) <= {*of.values(), ""}
    assert len(asked) == len(test) + len(prepared.vault.audit_ids)


@pytest.mark.parametrize("written", [json.dumps, str])
def test_records_in_cells_become_columns_of_their_fields(tmp_path, written):
    rng = np.random.default_rng(0)

    def make(table):
        systems, widths = rng.choice(["mac", "win"], len(table)).tolist(), rng.integers(9, size=len(table)).tolist()
        values = [{"os": os, "screen": {"w": w}, "tags": ["a", "b"], "same": 1} for os, w in zip(systems, widths, strict=True)]
        return table.assign(device=[written(value) for value in values])

    prepared, *_ = prepared_with(tmp_path, make)

    names = [c.name for c in prepared.profile.columns]
    assert "device" not in names
    assert {"device.os", "device.screen.w"} <= set(names)
    assert "device.same" not in names  # the same in every row
    assert column(prepared, "device.screen.w").kind is ColumnKind.NUMBER
    shown, _ = seen(prepared)
    assert sorted(shown["device.os"].unique()) == ["mac", "win"]
    assert "their fields became" in prepared.profile.made[0]


def test_lists_of_records_become_lists_of_names(tmp_path):
    rng = np.random.default_rng(0)

    def make(table):
        picks = [[{"id": k, "name": GENRES[k]} for k in np.flatnonzero(rng.random(3) < 0.6)] for _ in table.index]
        return table.assign(genres=[str([{**item, "id": int(item["id"])} for item in pick]) for pick in picks])

    prepared, *_ = prepared_with(tmp_path, make)

    assert column(prepared, "genres").kind is ColumnKind.LIST
    shown, _ = seen(prepared)
    assert all(set(json.loads(cell)) <= set(GENRES) for cell in shown["genres"])


@pytest.mark.parametrize("odd", ["{broken", "[1, 2, 3]", "{}", "[not a list]", "{'a': " + "[" * 3000, '{"a":' * 9000])
def test_what_is_no_record_stays_as_it_is(tmp_path, odd):
    prepared, *_ = prepared_with(tmp_path, lambda table: table.assign(notes=odd))

    assert prepared.profile.made == []
    shown, _ = seen(prepared)
    assert set(shown["notes"]) == {odd}


def test_targets_ids_and_columns_of_train_alone_are_left_alone(tmp_path):
    train, test, answers = make_tables()
    cells = [json.dumps({"a": n % 3}) for n in range(len(train))]
    labels = [json.dumps({"y": n % 2}) for n in range(len(train))]
    folder = write_task(tmp_path / "task", train.assign(later=cells, label=labels), test, answers)
    prepared = prepare(load_task(folder, target=["label"], metric="accuracy"), tmp_path / "prepared", seed=0)

    assert prepared.profile.made == []
    assert "later" in prepared.profile.train_only
