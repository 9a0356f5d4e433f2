"""What gome-kge adds to gome: the ``gome kge`` commands, and a memory that ranks by a graph of experience. Imports nothing heavy."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome_graph.hooks import Offer, hookimpl

if TYPE_CHECKING:
    import typer

    from gome_kge.momentum.memory import GraphMemory


def _memory(config: Any = None, *, path: Path, embedding: Any = None) -> "GraphMemory":
    from gome_kge.momentum.memory import GraphMemory

    return GraphMemory(path, config, embedding)


def _config_model() -> type | None:
    if find_spec("gome_memory") is None:
        return None
    from gome_memory.memory import MemoryConfig

    return MemoryConfig


def _missing() -> list[str]:
    return [] if find_spec("gome_memory") else ["gome-memory is not installed; pip install gome-memory"]


@hookimpl
def gome_memory() -> list[Offer]:
    """``graph``, the success memory with a knowledge-graph embedding of all experience as one more term."""
    return [Offer("graph", _memory, "The success memory, ranked also by a graph of experience", _config_model(), requires=_missing)]


@hookimpl
def gome_register_commands(app: "typer.Typer") -> None:
    """``gome kge train|evaluate|predict|explain|search|export|datasets``."""
    from gome_kge.cli import kge_app

    app.add_typer(kge_app, name="kge")
