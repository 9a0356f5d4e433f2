"""Small graphs that can be learnt in seconds."""

import random
from pathlib import Path

import numpy as np
import pytest

from gome_kge.data import KnowledgeGraph, load_graph


def family(size: int = 24) -> list[tuple[str, str, str]]:
    """A ring of people with next, previous, second next and opposite: every relation follows from `next`."""
    half = size // 2
    facts = []
    for i in range(size):
        for relation, step in (("next", 1), ("previous", -1), ("second", 2), ("opposite", half)):
            facts.append((f"p{i}", relation, f"p{(i + step) % size}"))
    return facts


def write_splits(folder: Path, *, ending: str = ".txt", separator: str = "\t", seed: int = 0) -> Path:
    """The family as a folder of three files; held-out facts have their inverse or their steps in train."""
    facts = family()
    random.Random(seed).shuffle(facts)
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", facts[16:]), ("valid", facts[:8]), ("test", facts[8:16])):
        (folder / f"{name}{ending}").write_text("".join(separator.join(fact) + "\n" for fact in part), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_splits(tmp_path / "ring")


@pytest.fixture
def graph(folder: Path) -> KnowledgeGraph:
    return load_graph(folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
