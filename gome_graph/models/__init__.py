"""Language models: what reasoners ask (`Ask`, `Answer`, `Models`), and the backends that answer. Nothing here imports a vendor's SDK."""

from gome_graph.models.contracts import Answer, Ask, Models, Role
from gome_graph.models.errors import CapReached, InvalidAnswer, ModelUnavailable

__all__ = ["Answer", "Ask", "CapReached", "InvalidAnswer", "ModelUnavailable", "Models", "Role"]
