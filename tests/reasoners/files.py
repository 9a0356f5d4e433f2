"""Files that go with the rows of a planted task."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gome_graph.records import FileKind, RowFiles

CRYSTALS = RowFiles(
    kind=FileKind.GEOMETRY, key="id", train="train/{}/atoms.xyz", test="test/{}/atoms.xyz", coverage=1.0, names=["O", "Zn"], periodic=True
)
MOLECULES = RowFiles(kind=FileKind.GEOMETRY, key="id", train="shapes/{:0>6}.txt", test="shapes/{:0>6}.txt", coverage=0.9, names=["C", "H"])


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
            path.write_text(crystal(rng.uniform(3, 9)) if files.periodic else molecule(rng.uniform(0.9, 1.5)), encoding="utf-8")
