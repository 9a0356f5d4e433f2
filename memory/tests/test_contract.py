"""The memory contract, with and without the index service."""

from pathlib import Path

from gome_graph.hooks import Memory
from gome_graph.testing.memories import MemoryContract
from gome_memory.memory import MemoryConfig, SuccessMemory


class TestChroma(MemoryContract):
    """The default: MiniLM and Chroma in an index service."""

    def make(self, path: Path) -> Memory:
        return SuccessMemory(path)


class TestExact(MemoryContract):
    def make(self, path: Path) -> Memory:
        return SuccessMemory(path, MemoryConfig(index="exact", embedding="hash"))


def _vowels(texts: list[str]) -> list[list[float]]:
    counts = [[1.0 + text.lower().count(vowel) for vowel in "aeiouy"] for text in texts]
    return [[value / sum(v * v for v in row) ** 0.5 for value in row] for row in counts]


class TestCallableEmbedding(MemoryContract):
    def make(self, path: Path) -> Memory:
        return SuccessMemory(path, embedding=_vowels)
