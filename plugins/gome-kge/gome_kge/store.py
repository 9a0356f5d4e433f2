"""A trained predictor on disk: members, their weights, and the graph it knows. One folder; no pickle."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from gome_graph.errors import RunError
from gome_graph.support.files import read_json, write_json
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.models import Model, make_model
from gome_kge.settings import Settings
from gome_kge.training import checkpoint

PREDICTOR, GRAPH = "predictor.json", "graph.npz"


class Embedding:
    """One trained model: formulas, parameters and the settings that made them."""

    def __init__(self, settings: Settings, tables: dict[str, Tensor], valid_mrr: float | None = None) -> None:
        self.settings, self.tables, self.valid_mrr = settings, tables, valid_mrr
        self.model: Model = make_model(settings.model, settings.rank)

    def save(self, path: Path) -> None:
        """Write parameters and settings as safetensors."""
        checkpoint.write(path, self.tables, {"settings": self.settings.model_dump(), "valid_mrr": self.valid_mrr})

    @classmethod
    def load(cls, path: Path) -> "Embedding":
        """Read what `save` wrote."""
        tables, header = checkpoint.read(path)
        return cls(Settings(**header["settings"]), tables, header.get("valid_mrr"))


def save_graph(path: Path, graph: KnowledgeGraph) -> None:
    """The graph as npz: names and the three splits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part.npz")
    np.savez_compressed(
        part, entities=np.array(graph.entities, dtype=np.str_), relations=np.array(graph.relations, dtype=np.str_),
        train=graph.train, valid=graph.valid, test=graph.test, name=np.array(graph.name),
        label_of=np.array(list(graph.labels), dtype=np.str_), label=np.array(list(graph.labels.values()), dtype=np.str_),
    )  # fmt: skip
    part.replace(path)


def read_graph(folder: Path) -> KnowledgeGraph:
    """The graph of a trained predictor.

    Raises
    ------
    RunError
        If the folder holds none.
    """
    path = folder / GRAPH
    if not path.is_file():
        raise RunError(f"There is no trained model in {folder} ({GRAPH} is missing); give the folder that `gome kge train` wrote.")
    try:
        with np.load(path, allow_pickle=False) as file:
            labels = dict(zip(file["label_of"].tolist(), file["label"].tolist(), strict=True))
            return KnowledgeGraph(
                file["entities"].tolist(),
                file["relations"].tolist(),
                file["train"],
                file["valid"],
                file["test"],
                str(file["name"]),
                (),
                labels,
            )
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{path} is damaged ({error}); train again into a new folder.") from error


def write_predictor(folder: Path, value: dict[str, Any]) -> None:
    """The last file of a training: with it the folder counts as complete."""
    write_json(folder / PREDICTOR, value)


def read_predictor(folder: Path) -> dict[str, Any]:
    """What `write_predictor` wrote.

    Raises
    ------
    RunError
        If the training is not complete.
    """
    path = folder / PREDICTOR
    if not path.is_file():
        raise RunError(f"There is no finished model in {folder}; finish it with `gome kge train --out {folder} --resume`.")
    found: dict[str, Any] = read_json(path)
    return found
