"""Language models: what reasoners ask (`Ask`, `Answer`, `Models`), and the backends that answer. Nothing here imports a vendor's SDK.

The names load on first use: a run that asks no model pays nothing for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_graph.models.backend import Backend, Failure, FailureKind, Reply, Request, Turn
    from gome_graph.models.chat import ChatBackend
    from gome_graph.models.contracts import Answer, Ask, Models, Role
    from gome_graph.models.errors import CapReached, InvalidAnswer, ModelUnavailable

_HOME = {
    **dict.fromkeys(("Backend", "Failure", "FailureKind", "Reply", "Request", "Turn"), "backend"),
    "ChatBackend": "chat",
    **dict.fromkeys(("Answer", "Ask", "Models", "Role"), "contracts"),
    **dict.fromkeys(("CapReached", "InvalidAnswer", "ModelUnavailable"), "errors"),
}

__all__ = [
    "Answer", "Ask", "Backend", "CapReached", "ChatBackend", "Failure", "FailureKind", "InvalidAnswer", "ModelUnavailable", "Models",
    "Reply", "Request", "Role", "Turn",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"gome_graph.models.{_HOME[name]}"), name)
    raise AttributeError(f"module 'gome_graph.models' has no attribute {name!r}")
