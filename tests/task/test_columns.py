"""Kinds of columns."""

import json

import numpy as np
import pytest
from scipy import stats

from gome_graph.records import ColumnKind
from gome_graph.task.columns import profile_column

RNG = np.random.default_rng(0)
N = 1000
WORDS = ["the", "old", "house", "stood", "alone", "upon", "a", "hill", "and", "nobody", "dared", "to", "enter", "it", "after", "dusk"]

COLUMNS = {
    "floats": (ColumnKind.NUMBER, RNG.normal(size=N).round(3).astype(str)),
    "whole": (ColumnKind.NUMBER, RNG.integers(0, 9, N).astype(str)),
    "numbers with gaps": (ColumnKind.NUMBER, [str(i) if i % 3 else "NA" for i in range(N)]),
    "user_id": (ColumnKind.IDENTIFIER, np.arange(N).astype(str)),
    "flag": (ColumnKind.BOOLEAN, RNG.choice(["True", "False", ""], N)),
    "town": (ColumnKind.CATEGORY, RNG.choice(["Bonn", "Köln", "Trier"], N)),
    "grade_words": (ColumnKind.CATEGORY, RNG.choice(["less_3_sec", "more_3_sec", "more_5_sec"], N)),
    "two words": (ColumnKind.CATEGORY, RNG.choice(["55 Cancri e", "TRAPPIST-1e"], N)),
    "cabin": (ColumnKind.COMPOUND, [f"{RNG.choice(list('ABC'))}/{RNG.integers(0, 900)}/{RNG.choice(['P', 'S'])}" for _ in range(N)]),
    "passenger": (ColumnKind.COMPOUND, [f"{i // 2:04d}_{i % 2 + 1:02d}" for i in range(N)]),
    "token": (ColumnKind.IDENTIFIER, [f"t3_{RNG.integers(1e9):x}" for _ in range(N)]),
    "uuid": (ColumnKind.IDENTIFIER, ["-".join(f"{RNG.integers(16**k):0{k}x}" for k in (8, 4, 4, 4, 12)) for _ in range(N)]),
    "code": (ColumnKind.IDENTIFIER, [f"q{i * 7919}" for i in range(N)]),
    "story": (ColumnKind.TEXT, [" ".join(RNG.choice(WORDS, 12)) for _ in range(N)]),
    "tags": (ColumnKind.LIST, [json.dumps(list(RNG.choice(WORDS, 3))) for _ in range(N)]),
    "day": (ColumnKind.DATETIME, [f"2011-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(N)]),
    "moment": (ColumnKind.DATETIME, [f"2011-{i % 12 + 1:02d}-{i % 28 + 1:02d} {i % 24:02d}:00:00" for i in range(N)]),
    "iso": (ColumnKind.DATETIME, [f"2011-{i % 12 + 1:02d}-{i % 28 + 1:02d}T{i % 24:02d}:00:00Z" for i in range(N)]),
    "single": (ColumnKind.CONSTANT, ["x"] * N),
    "empty": (ColumnKind.CONSTANT, [""] * N),
    "present or not": (ColumnKind.CATEGORY, ["x", ""] * (N // 2)),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_kind_is_seen(name):
    kind, cells = COLUMNS[name]
    assert profile_column(name, np.array(cells, dtype=object), None).kind is kind


def test_measures_of_a_number():
    column = profile_column("n", np.array(["1", "2", "10", ""], dtype=object), None)
    assert (column.missing, column.distinct, column.integer, column.nonnegative) == (0.25, 3, True, True)
    assert column.skew == pytest.approx(stats.skew([1, 2, 10]))


def test_measures_of_a_category():
    column = profile_column("c", np.array(["a", "b", "a", "NA"] * 30, dtype=object), np.array(["a", "z", "", "b"], dtype=object))
    assert (column.missing, column.top_values, column.unseen) == (0.25, ["a", "b"], 0.25)


def test_parts_of_a_compound():
    column = profile_column("cabin", np.array(COLUMNS["cabin"][1], dtype=object), None)
    assert (column.separator, column.parts) == ("/", 3)
