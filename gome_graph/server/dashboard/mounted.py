"""The dashboard for a LangGraph server: ``"http": {"app": "./gome_graph/server/dashboard/mounted.py:app"}`` in langgraph.json.

It stands below ``/ui``, beside the server's own addresses. From the environment: ``GOME_RUNS`` (the folder of runs, ``runs`` by default)
and ``GOME_UI_TOKEN``; without a token it answers to loopback names alone, whatever the server is bound to.
"""

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from gome_graph.server.dashboard.app import create_app

PREFIX = "/ui"

app = Starlette(routes=[Mount(PREFIX, create_app(Path(os.environ.get("GOME_RUNS", "runs")), os.environ.get("GOME_UI_TOKEN") or None))])
