"""Knowledge-graph embeddings that train leak-free and fast on a CPU.

The public names load on first use, so that ``import gome_kge`` costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Asker": "gome_kge.ask",
    "KnowledgeGraph": "gome_kge.data",
    "LinkPredictor": "gome_kge.estimator",
    "Predictor": "gome_kge.predictor",
    "Settings": "gome_kge.settings",
    "Trainer": "gome_kge.training.trainer",
    "evaluate": "gome_kge.pipeline",
    "export": "gome_kge.export",
    "fold_in": "gome_kge.newcomers",
    "load_graph": "gome_kge.data",
    "rank": "gome_kge.evaluation",
    "train": "gome_kge.pipeline",
}
__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gome_kge' has no attribute {name!r}")
