"""The dashboard: pages that show runs while they go on, and buttons to have a say in them.

Server-rendered, with one small script that brings pages up to date when the journal grows. It reads run directories and nothing else,
so it works beside ``gome run``, beside a LangGraph server, and on runs that ended long ago. `create_app` makes the ASGI application;
`gome_graph.server.dashboard.mounted` is the one for a LangGraph server.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_graph.server.dashboard.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    if name == "create_app":
        from gome_graph.server.dashboard.app import create_app

        return create_app
    raise AttributeError(f"module 'gome_graph.server.dashboard' has no attribute {name!r}")
