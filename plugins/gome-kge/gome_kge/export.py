"""Vectors in the formats other programs read. Each file is written whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_kge.predictor import Predictor
from gome_kge.training import checkpoint

Writer = Callable[[Path, "Vectors"], None]


class Vectors:
    """Entity and relation vectors of one member with their names; inverse relations are called ``NAME^-1``."""

    def __init__(self, predictor: Predictor, member: int = 0) -> None:
        graph, chosen = predictor.graph, predictor.members[member]
        self.settings = chosen.settings
        self.entity: NDArray[np.float32] = chosen.tables["entity"].numpy()
        self.relation: NDArray[np.float32] = chosen.tables["relation"].numpy()
        self.entities = graph.entities
        self.relations = [*graph.relations, *(f"{name}^-1" for name in graph.relations)]
        self.tables = chosen.tables


def npz(path: Path, vectors: Vectors) -> None:
    """numpy: arrays entity, relation, entities, relations."""
    with path.open("wb") as file:
        np.savez_compressed(
            file, entity=vectors.entity, relation=vectors.relation, entities=np.array(vectors.entities, dtype=np.str_),
            relations=np.array(vectors.relations, dtype=np.str_),
        )  # fmt: skip


def safetensors(path: Path, vectors: Vectors) -> None:
    """safetensors: the two tables, names and settings in the header."""
    header = {"settings": vectors.settings.model_dump(), "entities": vectors.entities, "relations": vectors.relations}
    checkpoint.write(path, vectors.tables, header)


def parquet(path: Path, vectors: Vectors) -> None:
    """Parquet: columns name, kind (entity or relation) and vector."""
    try:
        import polars
    except ImportError as error:
        raise TaskError("Parquet needs polars: pip install 'gome-kge[parquet]'.") from error
    names = [*vectors.entities, *vectors.relations]
    kinds = ["entity"] * len(vectors.entities) + ["relation"] * len(vectors.relations)
    rows = [*vectors.entity.tolist(), *vectors.relation.tolist()]
    schema: dict[str, Any] = {"name": polars.String, "kind": polars.String, "vector": polars.List(polars.Float32)}
    polars.DataFrame({"name": names, "kind": kinds, "vector": rows}, schema=schema).write_parquet(path)


def word2vec(path: Path, vectors: Vectors) -> None:
    """word2vec text: a line with the size, then a name and its numbers a line; blanks in names become underscores. Entities only."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{len(vectors.entities)} {vectors.entity.shape[1]}\n")
        for name, row in zip(vectors.entities, vectors.entity, strict=True):
            file.write("_".join(name.split()) + " " + " ".join(f"{value:.6g}" for value in row) + "\n")


FORMATS: dict[str, tuple[str, Writer]] = {
    "npz": (".npz", npz), "parquet": (".parquet", parquet), "safetensors": (".safetensors", safetensors), "word2vec": (".txt", word2vec),
}  # fmt: skip


def export(predictor: Predictor, path: Path, kind: str | None = None) -> str:
    """Write the vectors of the first member; the format follows from the file's ending. Returns the format.

    Raises
    ------
    TaskError
        If the format is not known or the file cannot be written.
    """
    by_ending = {ending: name for name, (ending, _) in FORMATS.items()}
    name = kind or by_ending.get(path.suffix.lower())
    if name not in FORMATS:
        endings = ", ".join(f"{ending} ({known})" for ending, known in by_ending.items())
        raise TaskError(f"{path} does not say its format; end it with {endings}, or use --format.")
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        FORMATS[name][1](part, Vectors(predictor))
        part.replace(path)
    except OSError as error:
        raise TaskError(f"{path} cannot be written: {error.strerror or error}; choose another place.") from error
    finally:
        part.unlink(missing_ok=True)
    return name
