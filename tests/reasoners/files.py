"""Files that go with the rows of a planted task."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from gome_graph.records import FileKind, LinkedTable, RowFiles

CRYSTALS = RowFiles(
    kind=FileKind.GEOMETRY, key="id", train="train/{}/atoms.xyz", test="test/{}/atoms.xyz", coverage=1.0, names=["O", "Zn"], periodic=True
)
MOLECULES = RowFiles(kind=FileKind.GEOMETRY, key="id", train="shapes/{:0>6}.txt", test="shapes/{:0>6}.txt", coverage=0.9, names=["C", "H"])

PICTURES = RowFiles(kind=FileKind.IMAGE, key="id", train="train_pictures/{}.png", test="test_pictures/{}.png", coverage=0.9)
RECORDS = RowFiles(
    kind=FileKind.JSON, key="id", train="records/{}.json", test="records/{}.json", coverage=0.9, names=["age", "home.rooms"],
    categories=["home.kind"],
)  # fmt: skip
SERIES = RowFiles(kind=FileKind.TABLE, key="id", train="series/{}.tsv", test="series/{}.tsv", coverage=0.9, names=["time", "value"])
VISITS = LinkedTable(
    file="more/visits.csv", key="city", prefix="visits", rows=500, unique=False, numbers=["spent", 'odd "name"'], categories=["shop"],
    coverage=1.0,
)  # fmt: skip
CITIES = LinkedTable(
    file="cities.csv", key="city", prefix="cities", rows=60, unique=True, numbers=["people"], categories=["land"], coverage=1.0
)


def crystal(length: float) -> str:
    """A body-centred cube with that edge: each atom has eight unlike neighbours."""
    rows = ["# made by hand", *(f"lattice_vector {' '.join(str(length * (i == j)) for j in range(3))}" for i in range(3))]
    half = length / 2
    return "\n".join([*rows, "atom 0.0 0.0 0.0 Zn", f"atom {half} {half} {half} O"]) + "\n"


def molecule(bond: float) -> str:
    """A carbon with two hydrogens, as a plain .xyz file."""
    return f"3\na comment\nC 0.0 0.0 0.0\nH {bond} 0.0 0.0\nH 0.0 {bond:.6e} 0.0\n"


def write_files(folder: Path, files: RowFiles, train: Iterable[str], test: Iterable[str]) -> None:
    """One file a row below `folder`, of the kind that `files` says."""
    rng = np.random.default_rng(1)
    for pattern, ids in ((files.train, train), (files.test, test)):
        for name in ids:
            path = folder / pattern.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if files.kind is FileKind.IMAGE:
                Image.fromarray(rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)).save(path)
            else:
                path.write_text(_text(files, rng), encoding="utf-8")


def write_stripes(path: Path, told: Any) -> None:
    """A picture of stripes with noise: of a truth value, lying or standing; of a share, one wide bar of that height."""
    rng = np.random.default_rng(3)
    light = np.zeros((24, 24))
    if isinstance(told, bool | np.bool_):
        light[::4] = light[1::4] = 1.0
        light = light if told else light.T
    else:
        light[: int(24 * told)] = 1.0
    pixels = (60 + 120 * light[..., None] + rng.integers(0, 60, (24, 24, 3))).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _text(files: RowFiles, rng: np.random.Generator) -> str:
    if files.kind is FileKind.JSON:
        return json.dumps({"age": int(rng.integers(90)), "home": {"kind": "flat", "rooms": 2, "pets": ["cat"]}, "gone": None})
    if files.kind is FileKind.TABLE:
        return "time\tvalue\n" + "".join(f"{n}\t{rng.normal()}\n" for n in range(int(rng.integers(1, 5))))
    return crystal(rng.uniform(3, 9)) if files.periodic else molecule(rng.uniform(0.9, 1.5))


def write_linked(folder: Path) -> None:
    """`VISITS` and `CITIES`."""
    rng = np.random.default_rng(2)
    cities = [f"c{i}" for i in range(60)]
    visits = pd.DataFrame({"city": rng.choice(cities, 500), "spent": rng.gamma(2.0, 9.0, 500), 'odd "name"': 1.0})
    (folder / "more").mkdir(parents=True, exist_ok=True)
    visits.assign(shop=rng.choice(["a", "b"], 500)).to_csv(folder / "more" / "visits.csv", index=False)
    table = pd.DataFrame({"city": cities, "people": rng.integers(1000, size=60), "land": "x"})
    table.to_csv(folder / "cities.csv", index=False)
