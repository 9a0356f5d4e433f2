"""The dashboard on a real port."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from gome_graph.server.dashboard import create_app


@contextmanager
def served(root: Path, token: str | None = None) -> Iterator[str]:
    """The dashboard on a real port of this machine; gives its address."""
    server = uvicorn.Server(uvicorn.Config(create_app(root, token), port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
