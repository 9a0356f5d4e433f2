"""``gome ui``: the dashboard."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.options import Debug, Json, Quiet

HELP = """Show runs in the browser: live traces, scores with errors, tree, diagnoses with evidence, memory, and buttons to stop or hint.

DIR is a folder of runs or one run. It answers on this machine alone; to bind elsewhere, a token is needed. End it with Ctrl-C.

Example: [bold]gome ui --port 8765[/bold]
"""

PORT = 8765
ANY_PORT = 65535


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ui", help=HELP)(ui)


def ui(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A folder of runs, or a run.")] = Path("runs"),
    host: Annotated[str, typer.Option(help="Address to bind; other than loopback only with --token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=ANY_PORT)] = PORT,
    token: Annotated[str | None, typer.Option(help="Needed by every request (or GOME_UI_TOKEN).", show_default=False)] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Serve the dashboard until Ctrl-C."""
    token = token or os.environ.get("GOME_UI_TOKEN") or None
    listener = _listener(folder, host, port, token)
    import uvicorn

    from gome_graph.server.dashboard import create_app

    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listener.getsockname()[1]}/" + (f"?token={token}" if token else "")
    output.result({"address": address, "root": str(folder.resolve())})
    output.tell(f"{address}   (runs below {folder}; end with Ctrl-C)")
    if open_page:
        typer.launch(address)
    config = uvicorn.Config(
        create_app(folder, token), log_level="warning", access_log=False, timeout_graceful_shutdown=1, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listener(folder: Path, host: str, port: int, token: str | None):  # type: ignore[no-untyped-def]
    """A bound socket, after all that can be wrong has been looked at."""
    import ipaddress
    import socket
    from importlib.util import find_spec

    from gome_graph.errors import PluginError, RunError, TaskError

    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        raise PluginError("gome ui needs starlette and uvicorn; install them with: pip install 'gome-graph[ui]'")
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder; give a run or a folder of runs, or start one with: gome run TASK")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise TaskError(f"--host {host!r} is no address of this machine ({error})") from None
    from gome_graph.server.dashboard.access import SHORTEST_TOKEN

    if token is None and not ipaddress.ip_address(found[4][0]).is_loopback:
        raise TaskError(f"--host {host} can be reached from elsewhere; give a --token of {SHORTEST_TOKEN} random characters or more")
    if token is not None and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        raise TaskError(
            f"--token must have {SHORTEST_TOKEN} or more printable ASCII characters without spaces; `openssl rand -hex 16` makes one"
        )
    listener = socket.socket(found[0], socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(found[4])
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise TaskError(
            f"port {port} of {host} cannot be used ({error.strerror or error}); give another --port, or 0 for a free one"
        ) from None
    return listener
