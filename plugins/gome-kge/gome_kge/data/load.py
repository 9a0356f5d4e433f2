"""A folder or a file to a checked `KnowledgeGraph`; every mistake in the data is one sentence that says how to mend it."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_kge.data.files import Layout, find
from gome_kge.data.graph import SPLITS, KnowledgeGraph, Triples
from gome_kge.data.readers import Rows, read_ids, read_rows
from gome_kge.data.split import hold_out

Overlap = Literal["refuse", "drop"]

HELD_OUT = 0.1
"""Share of triples that become valid, and test, when the data come without them."""
MIN_TRIPLES = 10
"""Fewer cannot be split and learnt from."""


def load_graph(where: Path | str, *, overlap: Overlap = "refuse", seed: int = 0) -> KnowledgeGraph:
    """Read, check and number a knowledge graph.

    Parameters
    ----------
    where : folder with a file a split (train, valid, test), one file of triples, or an npz archive
    overlap : what to do with train triples that also stand in valid or test: refuse, or drop them from train
    seed : of the split, where the data come without one

    Raises
    ------
    TaskError
        If the data cannot be used as they are.
    """
    where = Path(where)
    layout = find(where)
    name = where.stem.split(".")[0] if where.is_file() else where.resolve().name
    notes: list[str] = []
    if layout.archive is not None:
        entities, relations, splits = _archive(layout.archive)
        labels: dict[str, str] = {}
    else:
        entities, relations, splits, labels = _numbered(layout, notes)
    splits = {role: _distinct(role, triples, notes) for role, triples in splits.items()}
    splits = _complete(splits, len(entities), seed, notes)
    splits["train"] = _overlaps(where, splits, overlap, notes)
    _unseen(splits, notes)
    _warn_common(splits, notes)
    return KnowledgeGraph(entities, relations, splits["train"], splits["valid"], splits["test"], name, tuple(notes), labels)


def _numbered(layout: Layout, notes: list[str]) -> tuple[list[str], list[str], dict[str, Triples], dict[str, str]]:
    if layout.single is not None:
        rows = {"train": read_rows(layout.single)}
        notes.append(f"{layout.single.name} comes without splits; one was made by a seed.")
    else:
        rows = {role: read_rows(path, openke=layout.openke) for role, path in layout.splits.items()}
    labels: dict[str, str] = {}
    named: dict[str, list[str] | None] = {}
    for role, path in layout.ids.items():
        named[role], more = read_ids(path)
        labels.update(more)
    entities = _names(rows, (0, 2), named.get("entities"), "entity")
    relations = _names(rows, (1,), named.get("relations"), "relation")
    numbers = ({name: i for i, name in enumerate(entities[0])}, {name: i for i, name in enumerate(relations[0])})
    splits = {}
    for role, found in rows.items():
        heads = [_number(h, numbers[0], entities[1]) for h, _, _ in found]
        kinds = [_number(r, numbers[1], relations[1]) for _, r, _ in found]
        tails = [_number(t, numbers[0], entities[1]) for _, _, t in found]
        splits[role] = np.array([heads, kinds, tails], dtype=np.int64).T
    return entities[0], relations[0], splits, labels


def _names(rows: dict[str, Rows], columns: tuple[int, ...], listed: list[str] | None, what: str) -> tuple[list[str], bool]:
    """(names by id, whether the files hold ids instead of names)."""
    used = {row[column] for found in rows.values() for row in found for column in columns}
    if listed is not None:
        if used <= set(listed):
            return listed, False
        if all(name.isdigit() for name in used):
            top = max(map(int, used))
            if top >= len(listed):
                raise TaskError(
                    f"The triples use {what} id {top}, but the list of ids has {len(listed)} only; complete the list or remove it."
                )
            return listed, True
    if all(name.isdigit() for name in used):
        return sorted(used, key=lambda name: (int(name), name)), False
    return sorted(used), False


def _number(name: str, numbers: dict[str, int], is_id: bool) -> int:
    return int(name) if is_id else numbers[name]


def _archive(path: Path) -> tuple[list[str], list[str], dict[str, Triples]]:
    """An npz file with integer arrays train, valid, test of shape (n, 3) and, optionally, entities and relations."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError) as error:
        raise TaskError(f"{path} cannot be read as npz ({error}).") from error
    if "train" not in arrays:
        raise TaskError(f"{path} has the arrays {', '.join(arrays) or 'none'}; name one train, of shape (n, 3): head, relation, tail.")
    splits: dict[str, Triples] = {}
    for role in SPLITS:
        if role not in arrays:
            continue
        array = arrays[role]
        if array.ndim != 2 or array.shape[1] != 3 or not len(array):
            raise TaskError(f"{path}: the array {role} has shape {array.shape}; it must be (n, 3): head, relation, tail.")
        if not np.all(np.isfinite(array)) or np.any(array < 0) or np.any(array != np.floor(array)):
            raise TaskError(f"{path}: the array {role} holds NaN, negative or fractional ids; ids are 0, 1, 2 …")
        splits[role] = array.astype(np.int64)
    sizes = [max(int(triples[:, columns].max()) for triples in splits.values()) + 1 for columns in ([0, 2], [1])]
    names = []
    for key, size in zip(("entities", "relations"), sizes, strict=True):
        given = arrays.get(key)
        if given is not None and len(given) < size:
            raise TaskError(f"{path}: {key} names {len(given)}, but the triples use ids up to {size - 1}; complete the list.")
        names.append([str(name) for name in given] if given is not None else [str(i) for i in range(size)])
    return names[0], names[1], splits


def _distinct(role: str, triples: Triples, notes: list[str]) -> Triples:
    _, first = np.unique(keys(triples), return_index=True)
    if len(first) < len(triples):
        notes.append(f"{len(triples) - len(first)} repeated triples of {role} were dropped.")
        triples = triples[np.sort(first)]
    return triples


def _complete(splits: dict[str, Triples], n_entities: int, seed: int, notes: list[str]) -> dict[str, Triples]:
    """Carve what is missing out of train, so that entities stay in it."""
    missing = [role for role in ("test", "valid") if role not in splits]
    if len(splits["train"]) < MIN_TRIPLES:
        raise TaskError(f"The train split has {len(splits['train'])} triples; at least {MIN_TRIPLES} are needed to learn anything.")
    size = max(1, round(HELD_OUT * len(splits["train"])))
    for role in missing:
        splits["train"], splits[role] = hold_out(splits["train"], n_entities, size, seed)
        if not len(splits[role]):
            raise TaskError(
                f"No {role} file, and none can be taken from train without losing entities or relations; add a file named {role}."
            )
        notes.append(f"There was no {role} split; {len(splits[role])} triples of train were held out as one.")
    return splits


def keys(triples: Triples) -> NDArray[np.int64]:
    """One integer a triple, the same for the same triple."""
    width = 1 << 21  # 2 million entities or relations: three such ids fill the 63 bits of an integer
    return (triples[:, 0] * width + triples[:, 1]) * width + triples[:, 2]


def _overlaps(where: Path, splits: dict[str, Triples], overlap: Overlap, notes: list[str]) -> Triples:
    """The train split without what also stands in valid or test."""
    train = keys(splits["train"])
    keep = np.ones(len(train), dtype=bool)
    for role in ("valid", "test"):
        common = np.isin(train, keys(splits[role]))
        if not common.any():
            continue
        if overlap == "refuse":
            raise TaskError(
                f"{int(common.sum())} of the {len(splits[role])} {role} triples of {where} also stand in train, so a score on them would "
                "be recall, not prediction; take them out of one, or use --overlap drop to leave them out of train."
            )
        keep &= ~common
        notes.append(f"{int(common.sum())} train triples that also stand in {role} were left out of train.")
    if keep.sum() < MIN_TRIPLES:
        raise TaskError(f"Nothing is left to train on in {where} once the overlap with valid and test is dropped; make a new split.")
    return splits["train"][keep]


def _warn_common(splits: dict[str, Triples], notes: list[str]) -> None:
    common = int(np.isin(keys(splits["valid"]), keys(splits["test"])).sum())
    if common:
        notes.append(f"{common} triples stand in valid and in test; choosing by valid sees part of the test.")


def _unseen(splits: dict[str, Triples], notes: list[str]) -> None:
    seen = np.unique(splits["train"][:, [0, 2]])
    kinds = np.unique(splits["train"][:, 1])
    for role in ("valid", "test"):
        strange = ~np.isin(splits[role][:, [0, 2]], seen).all(axis=1)
        if strange.any():
            notes.append(
                f"{int(strange.sum())} of the {len(splits[role])} {role} triples have an entity that train never shows; they are ranked "
                "all the same, and reported apart."
            )
        new = np.setdiff1d(splits[role][:, 1], kinds)
        if len(new):
            notes.append(f"{len(new)} relations of {role} never stand in train; nothing can be learnt of them.")
