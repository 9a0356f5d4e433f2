"""What gome-memory adds to gome: a memory, two embeddings, the ``gome memory`` commands. Imports nothing heavy."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome_graph.hooks import Offer, hookimpl
from gome_memory.embedding import load, missing

if TYPE_CHECKING:
    import typer

    from gome_memory.memory import MemoryConfig, SuccessMemory
    from gome_memory.shared import SharedMemory


def _config_model() -> type:
    from gome_memory.memory import MemoryConfig

    return MemoryConfig


def _memory(config: "MemoryConfig | None" = None, *, path: Path, embedding: Any = None) -> "SuccessMemory | SharedMemory":
    from gome_memory.memory import SuccessMemory

    if config is not None and config.server is not None:
        from gome_memory.shared import SharedMemory

        return SharedMemory(config.server, path, config.model_copy(update={"server": None}))
    return SuccessMemory(path, config, embedding)


def _exact(config: "MemoryConfig | None" = None, *, path: Path, embedding: Any = None) -> "SuccessMemory":
    from gome_memory.memory import MemoryConfig, SuccessMemory

    settings = (config or MemoryConfig(embedding="hash")).model_copy(update={"index": "exact"})
    return SuccessMemory(path, settings, embedding)


@hookimpl
def gome_memory() -> list[Offer]:
    """``chroma``, the success memory, and ``exact``, the same without an index service."""
    return [
        # No `requires`: without chromadb or weights it says so and searches exactly.
        Offer("chroma", _memory, "Experiences in SQLite, found through a Chroma index in a process of its own", _config_model()),
        Offer("exact", _exact, "The same experiences, searched exactly in this process; no service, no weights", _config_model()),
    ]


@hookimpl
def gome_embedding() -> list[Offer]:
    """``minilm`` and, without weights, ``hash``."""
    return [
        Offer(
            "minilm",
            lambda config=None: _lists("minilm"),
            "all-MiniLM-L6-v2, int8, packaged weights, 384 dimensions",
            requires=lambda: missing("minilm"),
        ),
        Offer("hash", lambda config=None: _lists("hash"), "Hashed words, word pairs and trigrams; no weights, 512 dimensions"),
    ]


def _lists(name: str) -> Any:
    embedding = load(name)
    return lambda texts: embedding(texts).tolist()


@hookimpl
def gome_register_commands(app: "typer.Typer") -> None:
    """``gome memory list|show|forget|restore|export|import|rebuild``."""
    from gome_memory.cli import memory_app

    app.add_typer(memory_app, name="memory")
