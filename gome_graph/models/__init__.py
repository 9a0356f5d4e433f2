"""Language models: what reasoners ask (`Ask`, `Answer`, `Models`), and the backends that answer. Nothing here imports a vendor's SDK."""

from gome_graph.models.backend import Backend, Failure, FailureKind, Reply, Request, Turn
from gome_graph.models.chat import ChatBackend
from gome_graph.models.contracts import Answer, Ask, Models, Role
from gome_graph.models.errors import CapReached, InvalidAnswer, ModelUnavailable

__all__ = [
    "Answer", "Ask", "Backend", "CapReached", "ChatBackend", "Failure", "FailureKind", "InvalidAnswer",
    "ModelUnavailable", "Models", "Reply", "Request", "Role", "Turn",
]  # fmt: skip
