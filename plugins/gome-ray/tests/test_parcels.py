"""Folders on their way: whole, regular, and never out of their place."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from gome_ray.parcels import Parcel, fingerprint, pack, place_once, unpack


def test_what_is_packed_comes_out_the_same_without_links_and_pipes(tmp_path: Path) -> None:
    one = tmp_path / "one"
    (one / "deep").mkdir(parents=True)
    (one / "deep" / "a.csv").write_text("id\n1\n")
    (one / "left").write_text("x")
    (one / "link").symlink_to("/etc/passwd")
    os.mkfifo(one / "pipe")
    unpack(pack(one, without=["left"]), tmp_path / "two")
    assert sorted(str(path.relative_to(tmp_path / "two")) for path in (tmp_path / "two").rglob("*")) == ["deep", "deep/a.csv"]
    assert (tmp_path / "two" / "deep" / "a.csv").read_text() == "id\n1\n"


def evil(name: str, **changes: object) -> Parcel:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        for key, value in changes.items():
            setattr(entry, key, value)
        archive.addfile(entry, io.BytesIO(b""))
    return np.frombuffer(out.getvalue(), dtype=np.uint8)


@pytest.mark.parametrize("parcel", [evil("../planted"), evil("link", type=tarfile.SYMTYPE, linkname="/etc/passwd")])
def test_a_parcel_cannot_lead_out_of_its_folder(tmp_path: Path, parcel: Parcel) -> None:
    with pytest.raises(tarfile.FilterError):
        unpack(parcel, tmp_path / "in")
    assert not (tmp_path / "planted").exists()


def test_a_changed_input_is_another_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    (tmp_path / "a").write_text("12")
    assert fingerprint(tmp_path) != before


def test_a_node_unpacks_an_input_once(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "train.csv").write_text("x")
    parcel = pack(given)
    first = place_once(parcel, "abc", tmp_path / "cache")
    mark = (first / "train.csv").stat().st_ino
    assert place_once(parcel, "abc", tmp_path / "cache") == first
    assert (first / "train.csv").stat().st_ino == mark


def test_inputs_that_nobody_wants_any_more_go(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    old = place_once(pack(given), "old", tmp_path / "cache")
    os.utime(tmp_path / "cache" / "old.used", (1, 1))
    place_once(pack(given), "new", tmp_path / "cache")
    assert not old.exists()
