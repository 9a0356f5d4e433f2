"""Templates of the dashboard; the drawings and the step's body are the report's."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, FunctionLoader, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gome_graph.report.page import add_words, template_text

STATES = {
    "live": "running", "done": "done", "stopped": "stopped, best so far kept", "failed": "no valid solution was found",
    "crashed": "ended without a result", "paused": "paused, waits for you", "damaged": "cannot be read",
}  # fmt: skip
"""What a state means, in words."""


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Everything is escaped; a name that is not there is an error, not an empty string."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader("gome_graph.server.dashboard"), FunctionLoader(template_text)]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    add_words(made)
    made.globals["STATES"] = STATES
    return made


def page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    """A page. `base` is where the dashboard is mounted, without a slash at the end."""
    base = request.scope.get("root_path", "").rstrip("/")
    text = environment().get_template(name).render(base=base, **values)
    return HTMLResponse(text, status)


@lru_cache(maxsize=1)
def style() -> str:
    """The report's style sheet, and the dashboard's own beside it."""
    return template_text("report.css") + _file("dashboard.css")


@lru_cache(maxsize=1)
def script() -> str:
    """The one script."""
    return _file("live.js")


def _file(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
