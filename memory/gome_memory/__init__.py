"""The success memory: experiences kept in SQLite, found again through a derived Chroma index.

``open_memory(path)`` is the front door; everything else loads when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_memory.memory import SuccessMemory, open_memory
    from gome_memory.momentum import choose, rank

__version__ = "0.1.0"
__all__ = ["SuccessMemory", "__version__", "choose", "open_memory", "rank"]

_HOME = {
    "SuccessMemory": "gome_memory.memory",
    "open_memory": "gome_memory.memory",
    "choose": "gome_memory.momentum",
    "rank": "gome_memory.momentum",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gome_memory' has no attribute {name!r}")
