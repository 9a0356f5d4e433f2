"""The report: one self-contained HTML page of a run, finished or not.

The page loads nothing: style and script are inline, drawings are SVG, and a content security policy allows no other script, so that
nothing in a log or a title can run even if it slipped through the escaping.
"""

import base64
import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from gome_graph.report import format as words
from gome_graph.report.accounts import audit_rows, calibration, spending
from gome_graph.report.asked import money_text
from gome_graph.report.chart import score_chart, step_tree, time_lines
from gome_graph.report.status import is_live
from gome_graph.report.steps import script_of, step_page
from gome_graph.report.story import RunView, story_of
from gome_graph.support.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Environment, Template

    from gome_graph.run import RunDirectory

TEMPLATES = "templates"


def write_report(run: "RunDirectory") -> "Path":
    """Write ``report.html`` into the run directory and return its path."""
    write_text(run.report_path, render(run))
    return run.report_path


def render(run: "RunDirectory") -> str:
    """The page as text."""
    view = story_of(run)
    script = template_text("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template("report.html.j2").render(
        css=template_text("report.css"), js=script, js_hash=digest, view=view, run_name=run.root.name, state=_state(run, view),
        record=_record(run), chart=score_chart(view), tree=step_tree(view), times=time_lines(view), spending=spending(view),
        calibration=calibration(view), audit=audit_rows(run, view), steps=[step_page(run, view, s) for s in view.steps],
        winner=winner_of(run, view), hints=_hints(run, view), headline=headline_of(view),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), words=words,
    )  # fmt: skip


def template_text(name: str) -> str:
    """A file of the templates as it is."""
    return files(__package__).joinpath(TEMPLATES, name).read_text(encoding="utf-8")


def template(name: str) -> "Template":
    """A template with the filters that write numbers as people read them; what it fills in is escaped for HTML where it is HTML."""
    return _environment().get_template(name)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FunctionLoader(template_text),
        autoescape=select_autoescape(disabled_extensions=("md.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    add_words(environment)
    return environment


def add_words(environment: "Environment") -> None:
    """Let templates write numbers as people read them."""
    environment.filters.update(
        score=words.score_text,
        value=words.value_text,
        duration=words.duration,
        size=words.size,
        percent=words.percent,
        clock=words.clock,
        money=money_text,
    )
    environment.globals["gain"] = words.gain_text


def _record(run: "RunDirectory") -> dict[str, Any]:
    try:
        return run.record()
    except (OSError, ValueError):
        return {}


def _state(run: "RunDirectory", view: RunView) -> tuple[str, str]:
    """(word for the style, sentence)."""
    if view.status is None:
        return ("live", "still running") if is_live(run) else ("crashed", "ended without a result; gome resume goes on")
    sentences = {"done": "done", "stopped": "stopped by the user, best so far kept", "failed": "no valid solution was found"}
    return view.status, sentences.get(view.status, view.status)


def headline_of(view: RunView) -> dict[str, Any]:
    """Baseline, final, and what lies between them."""
    first, last = view.baseline, view.final or view.best
    change = None
    if first is not None and last is not None and first.value and first.value != last.value:
        change = {"better": last.better_than(first), "share": abs(last.value - first.value) / abs(first.value)}
    chosen = view.find(view.chosen or view.best_step or "")
    verdict = chosen.verdict if chosen else None
    return {"first": first, "last": last, "change": change, "step": view.chosen or view.best_step, "verdict": verdict}


def winner_of(run: "RunDirectory", view: RunView) -> dict[str, Any] | None:
    """The script that is handed out, with its highlighted text."""
    name = view.chosen or view.best_step
    text = script_of(run, name)
    if text is None:
        return None
    return {"step": name, "text": text, "html": highlighted(text), "lines": text.count("\n") + 1}


def highlighted(script: str) -> str:
    """Python source as HTML spans; pygments escapes the text."""
    from markupsafe import Markup
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

    return Markup(highlight(script, PythonLexer(), HtmlFormatter(nowrap=True)))  # noqa: S704 - pygments escapes what it is given


def _hints(run: "RunDirectory", view: RunView) -> list[dict[str, Any]]:
    try:
        return run.hints()
    except (OSError, ValueError):
        return [{"trace": None, "text": text} for text in view.hints]
