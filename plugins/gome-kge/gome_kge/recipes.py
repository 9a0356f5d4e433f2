"""Which trainings are worth trying on a graph of some size, and the shipped configurations."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gome_graph.errors import TaskError
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.settings import Settings

SMALL = 5_000
"""Up to so many entities every question is compared with all of them."""
RESCAL_RELATIONS = 60
"""More relations than this make RESCAL's matrices the larger part of the model; it is left out then."""


def shipped() -> dict[str, str]:
    """Name -> first comment line of each shipped configuration."""
    found = {}
    for item in sorted((files("gome_kge") / "configs").iterdir(), key=lambda item: item.name):
        if item.name.endswith(".yaml"):
            found[item.name.removesuffix(".yaml")] = item.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    return found


def read_config(name: str) -> Settings:
    """A shipped configuration by name, or a YAML file.

    Raises
    ------
    TaskError
        If there is none, or a field is wrong.
    """
    path = Path(name)
    if path.is_file():
        text = path.read_text(encoding="utf-8")
    elif name in shipped():
        text = (files("gome_kge") / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise TaskError(f"--config {name!r} is neither a file nor shipped; there are: {', '.join(shipped())}.")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TaskError(f"--config {name} is not YAML ({' '.join(str(error).split())}).") from error
    if not isinstance(value, dict):
        raise TaskError(f"--config {name} holds no settings; write lines like `model: complex` and `rank: 200`.")
    return make_settings(value, f"--config {name}")


def make_settings(value: dict[str, Any], where: str) -> Settings:
    """Checked settings; `where` begins the sentence about a mistake."""
    try:
        return Settings(**value)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise TaskError(f"{where}: there is no setting {name!r}; there are: {', '.join(Settings.model_fields)}.") from error
        raise TaskError(f"{where}: {name + ': ' if name else ''}{first['msg'].removeprefix('Value error, ')}.") from error


def candidates(graph: KnowledgeGraph, seconds: float, seed: int) -> list[Settings]:
    """Trainings to begin with, most promising first; validation decides among them. `seconds` is CPU time: wall time times threads."""
    triples = len(graph.train)
    common: dict[str, Any] = {"seed": seed, "epochs": 1000, "valid_sample": 2000}
    if graph.n_entities <= SMALL:
        rank = 1000 if triples < 20_000 else 500
        batch = 128 if triples < 20_000 else 256
        common.update(negatives=0, batch=batch, valid_every=2 if triples > 20_000 else 5)
        tried = [
            {"model": "complex", "rank": rank, "regularizer": "n3", "weight": 0.01, "relation_prediction": 0.25},
            {"model": "complex", "rank": rank, "regularizer": "n3", "weight": 0.05, "relation_prediction": 1.0},
            {"model": "complex", "rank": rank, "regularizer": "dura", "weight": 0.02, "relation_prediction": 0.25},
            {"model": "complex", "rank": rank, "regularizer": "n3", "weight": 0.1},
            {"model": "complex", "rank": rank, "regularizer": "n3", "weight": 0.005, "relation_prediction": 4.0},
        ]
        if graph.n_relations <= RESCAL_RELATIONS:
            tried.append({"model": "rescal", "rank": 128, "regularizer": "dura", "weight": 0.05})
        return [Settings(**{**common, **item}) for item in tried]
    # Large graphs: shared negatives; the rank follows what the time pays for.
    negatives = 4096 if graph.n_entities > 20_000 else 2048
    affordable = seconds / max(1.0, triples / 100_000)  # seconds for each 100,000 triples
    common.update(negatives=negatives, batch=512, valid_every=4, patience=5)
    rank = 128 if affordable < 240 else 256 if affordable < 12_000 else 512  # rather several models than one that takes all the time
    wide = 100 if affordable < 120 else 200 if affordable < 480 else 500 if affordable < 6000 else 1000
    tried = []
    if graph.n_relations <= RESCAL_RELATIONS:
        tried.append({"model": "rescal", "rank": rank, "regularizer": "dura", "weight": 0.1})
        tried.append({"model": "rescal", "rank": rank, "regularizer": "dura", "weight": 0.03})
    tried.append({"model": "complex", "rank": wide, "regularizer": "dura", "weight": 0.05})
    tried.append({"model": "complex", "rank": wide, "regularizer": "dura", "weight": 0.05, "relation_prediction": 0.5})
    return [Settings(**{**common, **item}) for item in tried]
