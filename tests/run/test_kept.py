"""Kept predictions: what a script leaves, and what a later one finds."""

from pathlib import Path

import numpy as np
import pytest

from gome_graph.run import KeptPool, kept

ONE, TWO, OTHER = "0123456789abcdef", "fedcba9876543210", "00000000000000ff"


@pytest.fixture
def pool(tmp_path: Path) -> KeptPool:
    return KeptPool(tmp_path / "kept")


def workspace(root: Path, **members: object) -> Path:
    """A workspace whose script has left predictions under these keys."""
    left = root / "output" / "kept"
    left.mkdir(parents=True)
    for key, values in members.items():
        np.savez(left / f"{key.removeprefix('k')}.npz", oof=values, test=values, told="[]")
    return root


def test_what_a_script_left_is_lent_to_the_next_one_that_names_it(pool: KeptPool, tmp_path: Path) -> None:
    first = workspace(tmp_path / "a", **{f"k{ONE}": np.arange(3.0), f"k{TWO}": np.ones(3)})
    pool.collect(first, f"{ONE} {TWO}", ok=True)
    second = tmp_path / "b"
    second.mkdir()

    pool.lend(second, f'KEYS = {{"x": "{TWO}"}}')

    assert pool.keys() == {ONE, TWO}
    assert [path.name for path in (second / "kept").iterdir()] == [f"{TWO}.npz"]
    assert not (first / "output" / "kept").exists()


def test_a_lent_copy_may_be_spoiled_without_harm(pool: KeptPool, tmp_path: Path) -> None:
    pool.collect(workspace(tmp_path / "a", **{f"k{ONE}": np.arange(3.0)}), ONE, ok=True)
    second = tmp_path / "b"
    second.mkdir()
    pool.lend(second, ONE)
    (second / "kept" / f"{ONE}.npz").write_bytes(b"spoiled")

    pool.collect(second, ONE, ok=True)

    np.testing.assert_array_equal(pool.load(ONE), np.arange(3.0))
    assert not (second / "kept").exists()


def test_nothing_is_taken_from_a_script_that_failed_or_did_not_name_it(pool: KeptPool, tmp_path: Path) -> None:
    pool.collect(workspace(tmp_path / "a", **{f"k{ONE}": np.ones(3)}), ONE, ok=False)
    pool.collect(workspace(tmp_path / "b", **{f"k{OTHER}": np.ones(3)}), ONE, ok=True)
    linked = workspace(tmp_path / "c")
    (tmp_path / "secret").write_text("secret")
    (linked / "output" / "kept" / f"{TWO}.npz").symlink_to(tmp_path / "secret")
    pool.collect(linked, TWO, ok=True)

    assert pool.keys() == frozenset()


def test_what_is_no_array_of_finite_numbers_is_not_loaded(pool: KeptPool, tmp_path: Path) -> None:
    root = workspace(tmp_path / "a", **{f"k{ONE}": np.array([1.0, np.nan])})
    (root / "output" / "kept" / f"{TWO}.npz").write_bytes(b"PK\x03\x04 hostile")
    np.savez(root / "output" / "kept" / f"{OTHER}.npz", oof=np.array([{"a": 1}], dtype=object))  # a pickle inside
    pool.collect(root, f"{ONE} {TWO} {OTHER}", ok=True)

    assert [pool.load(key) for key in (ONE, TWO, OTHER, "f" * 16)] == [None] * 4


def test_the_pool_survives_a_restart_and_has_a_limit(pool: KeptPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.collect(workspace(tmp_path / "a", **{f"k{ONE}": np.ones(3)}), ONE, ok=True)
    again = KeptPool(tmp_path / "kept")
    monkeypatch.setattr(kept, "POOL_BYTES", 10)
    again.collect(workspace(tmp_path / "b", **{f"k{TWO}": np.ones(3)}), TWO, ok=True)

    assert again.keys() == {ONE}
