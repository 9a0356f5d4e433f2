"""Which files of a folder hold which split, whatever the layout calls them."""

from dataclasses import dataclass, field
from pathlib import Path

from gome_graph.errors import TaskError

COMPRESSED = (".gz", ".xz", ".bz2", ".zip")
TABLES = (".txt", ".tsv", ".csv", ".del", ".nt", ".json", ".jsonl", ".ndjson", ".parquet", "")
"""Extensions of a file of triples; the empty one is the layout of kbc (``train``, ``valid``, ``test``)."""

NAMES = {
    "train": ("train", "training", "train2id", "train_triples", "train_data", "facts"),
    "valid": ("valid", "validation", "val", "dev", "valid2id", "valid_triples", "eval"),
    "test": ("test", "testing", "test2id", "test_triples"),
}
"""Stems, lower case, best first."""

IDS = {
    "entities": ("entity2id", "entities", "entity_ids", "entity_to_id", "ent_id", "entity"),
    "relations": ("relation2id", "relations", "relation_ids", "relation_to_id", "rel_id", "relation"),
}


@dataclass
class Layout:
    """The files found: one a split, and dictionaries of ids or labels where there are any."""

    splits: dict[str, Path] = field(default_factory=dict)
    ids: dict[str, Path] = field(default_factory=dict)
    archive: Path | None = None
    """An npz file with the arrays train, valid, test."""
    single: Path | None = None
    """One file of triples, to be split by us."""

    @property
    def openke(self) -> bool:
        """OpenKE's ``train2id.txt``: a count in the first line, then head, tail, relation."""
        return bool(self.splits) and all(stem(path).endswith("2id") for path in self.splits.values())


def stem(path: Path) -> str:
    """``Train.txt.xz`` -> ``train``."""
    name = path.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return name.rsplit(".", 1)[0] if "." in name else name


def kind(path: Path) -> str:
    """The extension under the compression: ``train.txt.xz`` -> ``.txt``."""
    name = path.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return Path(name).suffix


def find(where: Path) -> Layout:
    """Look into a folder (or its one sub-folder) or at a file.

    Raises
    ------
    TaskError
        If nothing there looks like triples; the sentence says what would.
    """
    if not where.exists():
        raise TaskError(f"There is no {where}; give --data a folder with train, valid and test files, or one file of triples.")
    if where.is_file():
        return Layout(archive=where) if where.suffix.lower() == ".npz" else Layout(single=where)
    files = sorted(path for path in where.iterdir() if path.is_file() and not path.name.startswith("."))
    layout = _layout(files)
    if layout.splits or layout.archive or layout.single:
        return layout
    for inner in sorted(path for path in where.iterdir() if path.is_dir() and not path.name.startswith(".")):
        layout = _layout(sorted(path for path in inner.iterdir() if path.is_file() and not path.name.startswith(".")))
        if layout.splits or layout.archive:
            return layout
    names = ", ".join(path.name for path in files[:5]) or "nothing"
    raise TaskError(
        f"{where} holds no file of triples that can be told ({names}); name them train, valid and test with .txt, .tsv, .csv, .json, "
        "optionally .gz, .xz, .zip, each line head, relation, tail."
    )


def _layout(files: list[Path]) -> Layout:
    layout = Layout()
    tables = [path for path in files if kind(path) in TABLES]
    for target, names in ((layout.splits, NAMES), (layout.ids, IDS)):
        for role, stems in names.items():
            found = sorted((stems.index(stem(path)), path) for path in tables if stem(path) in stems)
            if found:
                target[role] = found[0][1]
    if "train" not in layout.splits:
        archives = [path for path in files if path.suffix.lower() == ".npz"]
        rest = [path for path in tables if kind(path) and stem(path) not in ("readme", "source", "license", "licence")]
        rest = [path for path in rest if path not in layout.ids.values() and path not in layout.splits.values()]
        if archives:
            layout.archive = archives[0]
        elif layout.splits:
            missing = ", ".join(sorted(path.name for path in layout.splits.values()))
            raise TaskError(f"{files[0].parent} has {missing} but no train file; add one named train, with the same extension.")
        elif len(rest) == 1:
            layout.single = rest[0]
    return layout
