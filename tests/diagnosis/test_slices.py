"""Properties of the slice search."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest

from gome_graph.diagnosis.codes import column_codes
from gome_graph.diagnosis.slices import MIN_ROWS, worst_slices
from gome_graph.records import ColumnKind
from tests.diagnosis.worlds import World


def world(seed: int, rows: int = 800) -> World:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=rows), "count": rng.integers(0, 6, rows).astype(float), "town": rng.integers(0, 40, rows).astype(str),
            "flag": rng.random(rows) < 0.3,
            "berth": [f"{a}-{b}" for a, b in zip(rng.choice(list("AB"), rows), rng.integers(0, 9, rows), strict=True)],
            "when": pd.date_range("2021-01-01", periods=rows, freq="D").astype(str),
            "words": ["a b " * n for n in rng.integers(1, 30, rows)],
            "empty": np.full(rows, np.nan), "code": [f"u{i}" for i in range(rows)],
        }
    )  # fmt: skip
    for name in ("number", "town", "berth", "when", "words"):
        frame.loc[rng.random(rows) < 0.1, name] = None
    kinds = {"town": ColumnKind.CATEGORY, "flag": ColumnKind.BOOLEAN, "berth": ColumnKind.COMPOUND, "when": ColumnKind.DATETIME,
             "words": ColumnKind.TEXT, "code": ColumnKind.IDENTIFIER}  # fmt: skip
    return World(frame, np.zeros(rows), "rmse", kinds=kinds, facts={"berth": {"separator": "-", "parts": 2}})


@pytest.mark.parametrize("seed", range(8))
def test_every_slice_agrees_with_a_plain_computation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = world(seed)
    losses = rng.gamma(1.0, size=len(w.frame)) + 2.0 * (w.frame["count"] == 3)
    codes = column_codes(w.frame, w.profile)

    found = worst_slices(losses.to_numpy(), codes, keep=50)

    assert found
    for item in found:
        rows = [
            codes.codes[c] == g
            for g, (c, label) in enumerate(zip(codes.owner, codes.labels, strict=True))
            if label == item.value and codes.columns[c] == item.column
        ]
        inside, outside = losses[rows[0]], losses[~rows[0]]
        assert item.rows == len(inside) >= MIN_ROWS
        assert item.loss == pytest.approx(inside.mean())
        assert item.rest == pytest.approx(outside.mean())
        assert item.z == pytest.approx(
            (inside.mean() - outside.mean()) / np.sqrt(inside.var(ddof=0) / len(inside) + outside.var(ddof=0) / len(outside))
        )
        assert item.excess == pytest.approx((inside.mean() - outside.mean()) * len(inside) / losses.sum())


@pytest.mark.parametrize("seed", range(4))
def test_each_coded_column_gives_each_row_one_of_its_own_groups(seed: int) -> None:
    w = world(seed)

    codes = column_codes(w.frame, w.profile)

    assert {"code"}.isdisjoint(codes.columns)
    for index, row in enumerate(codes.codes):
        assert set(codes.owner[row]) == {index}
        name = codes.columns[index]
        assert (codes.missing[row] == w.frame[name].isna().to_numpy()).all()
    assert codes.counts.sum() == codes.codes.size


@pytest.mark.parametrize(("scale", "shift"), [(1_000.0, 0.0), (1e-6, 0.0)])
def test_units_of_the_loss_do_not_matter(scale: float, shift: float) -> None:
    w = world(1)
    losses = np.random.default_rng(1).gamma(1.0, size=len(w.frame))
    codes = column_codes(w.frame, w.profile)

    plain, scaled = worst_slices(losses, codes), worst_slices(losses * scale + shift, codes)

    assert [(s.column, s.value) for s in plain] == [(s.column, s.value) for s in scaled]
    assert [s.z for s in plain] == pytest.approx([s.z for s in scaled])


def test_a_planted_slice_comes_first() -> None:
    w = world(2)
    losses = np.random.default_rng(2).gamma(1.0, size=len(w.frame)) + 4.0 * w.frame["flag"].to_numpy()

    first = worst_slices(losses, column_codes(w.frame, w.profile))[0]

    assert (first.column, first.value) == ("flag", "True")


@pytest.mark.parametrize("losses", [np.zeros(800), np.full(800, np.nan), np.full(800, 7.0)])
def test_losses_without_variation_have_no_slices(losses: np.ndarray) -> None:
    w = world(3)

    assert worst_slices(losses, column_codes(w.frame, w.profile)) == []


def test_chance_seldom_reaches_the_bar_of_a_weak_slice() -> None:
    strong = 0
    for seed in range(60):
        w = world(seed)
        losses = np.random.default_rng(1_000 + seed).normal(size=len(w.frame)) ** 2
        strong += any(s.z >= 4.5 and s.excess >= 0.05 for s in worst_slices(losses, column_codes(w.frame, w.profile)))

    assert strong <= 1


def test_codes_are_made_once_a_frame_and_forgotten_with_it() -> None:
    w = world(4)
    profile = w.profile
    first = column_codes(w.frame, profile)
    assert column_codes(w.frame, profile) is first
    gone = weakref.ref(first)
    del first

    w.frame = pd.DataFrame()
    gc.collect()

    assert gone() is None
