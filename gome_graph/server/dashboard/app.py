"""The dashboard as an ASGI application: which address shows what."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gome_graph.report.page import render
from gome_graph.run.steering import WishKind
from gome_graph.server.dashboard import actions, pages
from gome_graph.server.dashboard.access import Access
from gome_graph.server.dashboard.live import stream_list, stream_run
from gome_graph.server.dashboard.rendering import page, script, style
from gome_graph.server.dashboard.runs import Followed, Runs

log = logging.getLogger(__name__)

DOWNLOADS = {"solution.py": "text/x-python", "submission.csv": "text/csv"}
"""Files of a run that can be fetched; they are sent as downloads, never shown as pages."""

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; sandbox allow-scripts"
"""The report carries its script and style inside, and its own policy that allows that script alone; it is put in a sandbox besides."""


def create_app(root: Path, token: str | None = None) -> Starlette:
    """The dashboard over the runs below `root`.

    Parameters
    ----------
    root
        A folder of runs, or a run.
    token
        Needed by every request; None for a dashboard on loopback.
    """
    runs = Runs(root)

    def found(request: Request) -> Followed:
        run = runs.find(request.path_params["run"])
        if run is None:
            raise HTTPException(404, "There is no such run here.")
        return run

    def shows(view: Callable[[Request, Followed], Response]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            run = found(request)
            try:
                return view(request, run)
            except HTTPException:
                raise
            except Exception as error:  # a run that is damaged, or of another version: the others go on
                log.warning("%s cannot be shown", run.run.root, exc_info=True)
                text = f"{type(error).__name__}: {error}"
                return page(request, "sorry.html.j2", 500, title="This cannot be shown", text=text)

        return endpoint

    def changes(act: Callable[[Request, Followed, dict[str, str]], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await actions.carry_out(act, request, found(request))

        return endpoint

    async def run_events(request: Request) -> Response:
        after = request.headers.get("last-event-id") or request.query_params.get("after", "-1")
        return stream_run(found(request), int(after) if after.lstrip("-").isdigit() and len(after) < 12 else -1)

    async def list_events(request: Request) -> Response:
        return stream_list(runs)

    run = "/runs/{run}"
    routes = [
        Route("/", lambda request: pages.runs_page(request, runs), name="runs"),
        Route("/events", list_events),
        Route("/style.css", lambda request: _asset(style(), "text/css")),
        Route("/live.js", lambda request: _asset(script(), "text/javascript")),
        Route(run, shows(pages.run_page)),
        Route(f"{run}/events", run_events),
        Route(f"{run}/steps/{{step}}", shows(pages.step_page)),
        Route(f"{run}/diff", shows(pages.diff_page)),
        Route(f"{run}/memory", shows(pages.memory_page)),
        Route(f"{run}/report", shows(_report)),
        Route(f"{run}/files/{{name}}", shows(_download)),
        Route(f"{run}/stop", changes(actions.stop), methods=["POST"]),
        Route(f"{run}/pause", changes(actions.pause), methods=["POST"]),
        Route(f"{run}/steps/{{step}}/pin", changes(actions.wished(WishKind.PIN)), methods=["POST"]),
        Route(f"{run}/steps/{{step}}/veto", changes(actions.wished(WishKind.VETO)), methods=["POST"]),
        Route(f"{run}/hint", changes(actions.hint), methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Access, token=token)], exception_handlers={HTTPException: _refused})


def _asset(text: str, media: str) -> Response:
    return Response(text, media_type=media, headers={"Cache-Control": "no-cache"})


def _report(request: Request, followed: Followed) -> Response:
    """The report as it would be written now."""
    return Response(render(followed.run), media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})


def _download(request: Request, followed: Followed) -> Response:
    name = request.path_params["name"]
    path = followed.run.root / name
    if name not in DOWNLOADS or not path.is_file() or path.is_symlink():
        raise HTTPException(404, "This run has no such file to fetch.")
    return FileResponse(path, media_type=DOWNLOADS[name], filename=f"{followed.key}-{name}")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return page(request, "sorry.html.j2", error.status_code, title="Not here", text=error.detail)
