"""What each page shows, gathered from the run's view and its folder."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gome_graph.records import Score
from gome_graph.report.accounts import audit_rows, calibration, spending
from gome_graph.report.chart import score_chart, step_state, step_tree
from gome_graph.report.page import headline_of, highlighted
from gome_graph.report.status import is_live
from gome_graph.report.steps import diff_lines, script_of
from gome_graph.report.steps import step_page as step_facts
from gome_graph.report.words import verdict_word
from gome_graph.server.dashboard.actions import SAID
from gome_graph.server.dashboard.memory import browse
from gome_graph.server.dashboard.rendering import page
from gome_graph.server.dashboard.runs import Followed, Runs, Snapshot
from gome_graph.solution import share_changed, unified_diff

if TYPE_CHECKING:
    from gome_graph.report.story import RunView, StepView

DIFF_LINES = 2000
"""Lines of a comparison that are shown."""


@dataclass
class Row:
    """A run in the list."""

    key: str
    state: str
    task: str = ""
    metric: str = ""
    best: Score | None = None
    baseline: Score | None = None
    judged: int = 0
    accepted: int = 0
    traces: int = 0
    elapsed: float = 0.0
    budget: float = 0.0
    started: str = ""
    error: str = ""


def _ended_row(followed: Followed) -> Row | None:
    """The row of a run that has a result, from its record alone: a list of many runs must not read all their journals."""
    record = followed.run.record()
    result = record.get("result")
    if not result or is_live(followed.run):
        return None
    score, first = (Score.model_validate(result[name]) if result.get(name) else None for name in ("score", "first_score"))
    settings = record.get("settings") or {}
    return Row(
        key=followed.key, state=str(result["status"]), task=str(record.get("task", "")), metric=str(record.get("metric", "")), best=score,
        baseline=first, judged=int(result["steps"]), accepted=int(result["accepted"]), elapsed=float(result["spent_seconds"]),
        traces=int(settings.get("traces", 0)), budget=float(settings.get("budget_seconds", 0.0)), started=_started(record),
    )  # fmt: skip


def _started(record: dict[str, Any]) -> str:
    return str(record.get("started_at", ""))[:16].replace("T", " ")


def _row(followed: Followed) -> Row:
    try:
        ended = _ended_row(followed)
        if ended is not None:
            return ended
        with followed.read() as now:
            view, record = now.view, now.run.record()
            return Row(
                key=now.key, state=now.state, task=view.task or str(record.get("task", "")), metric=view.metric,
                best=view.final or view.best, baseline=view.baseline, judged=view.judged,
                accepted=view.accepted, traces=len(view.traces), elapsed=_elapsed(now),
                budget=view.budget_seconds, started=_started(record),
            )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:  # a damaged run must not hide the others
        return Row(key=followed.key, state="damaged", error=f"{type(error).__name__}: {error}"[:200])


def _elapsed(now: Snapshot) -> float:
    """Budget seconds; for a run that goes on also those since its last event."""
    return max(now.view.elapsed, now.run.clock()) if now.state == "live" else now.view.elapsed


def runs_page(request: Request, runs: Runs) -> Response:
    """All runs, the live ones first, then the newest."""
    rows = sorted((_row(followed) for followed in runs.all()), key=lambda row: row.started, reverse=True)
    rows.sort(key=lambda row: row.state != "live")
    return page(request, "runs.html.j2", rows=rows, root=str(runs.root))


@dataclass
class StepRow:
    """A step in the table of the page of a run."""

    view: "StepView"
    state: str
    word: str
    best: bool


@dataclass
class Now:
    """What a trace does."""

    trace: int
    doing: str
    since: float | None
    """Budget seconds when the step in hand began."""
    steps: int
    accepted: int
    step: "StepView | None"
    judged: "StepView | None"
    ended: str | None


def _traces(view: "RunView") -> list[Now]:
    return [
        Now(t.trace, t.doing, t.current.started if t.current and t.ended is None else None, sum(s.verdict is not None for s in t.steps),
            t.accepted, t.current, t.judged, t.ended)
        for t in view.traces
    ]  # fmt: skip


def run_page(request: Request, followed: Followed) -> Response:
    """Scores, traces, tree, steps, budget and what can be asked of the run."""
    with followed.read() as now:
        view = now.view
        best = view.chosen or view.best_step
        waiting = {True: "in hand", False: "not begun"}
        steps = [StepRow(s, step_state(s), verdict_word(s) or waiting[s.dropped is None], s.step == best) for s in reversed(view.steps)]
        return page(
            request, "run.html.j2", now=now, view=view, key=now.key, state=now.state, headline=headline_of(view), traces=_traces(view),
            chart=score_chart(view), tree=step_tree(view), steps=steps, spending=spending(view), calibration=calibration(view),
            audit=audit_rows(now.run, view), elapsed=_elapsed(now), lines=list(reversed(now.lines[-12:])), hints=_hints(now),
            said=SAID.get(request.query_params.get("said", "")), record=now.run.record(),
            files=[name for name in ("solution.py", "submission.csv") if (now.run.root / name).is_file()],
        )  # fmt: skip


def _hints(now: Snapshot) -> list[dict[str, Any]]:
    try:
        return now.run.hints()
    except (OSError, ValueError):
        return []


def step_page(request: Request, followed: Followed) -> Response:
    """One step: why, what, and what came of it."""
    with followed.read() as now:
        view = now.view
        found = view.find(request.path_params["step"])
        if found is None:
            raise HTTPException(404, "This run has no such step.")
        order = [s.step for s in view.traces[found.trace].steps if s.dropped is None or s is found]
        place = order.index(found.step)
        script = script_of(now.run, found.step)
        return page(
            request, "step.html.j2", now=now, view=view, key=now.key, state=now.state, facts=step_facts(now.run, view, found),
            before=order[place - 1] if place else None, after=order[place + 1] if place + 1 < len(order) else None,
            script=highlighted(script) if script else None, lines=script.count("\n") + 1 if script else 0,
            said=SAID.get(request.query_params.get("said", "")),
        )  # fmt: skip


def diff_page(request: Request, followed: Followed) -> Response:
    """Two scripts against each other."""
    with followed.read() as now:
        view = now.view
        written = [s for s in view.steps if script_of(now.run, s.step) is not None]
        names = {s.step for s in written}
        new = request.query_params.get("step") or view.chosen or view.best_step or (written[-1].step if written else "")
        old = request.query_params.get("against") or view.baseline_step or (written[0].step if written else "")
        if not written or new not in names or old not in names:
            raise HTTPException(404, "This run has no such pair of scripts to compare.")
        one, two = script_of(now.run, old) or "", script_of(now.run, new) or ""
        lines = diff_lines(unified_diff(one, two, f"{old}/solution.py", f"{new}/solution.py"))
        return page(
            request, "diff.html.j2", key=now.key, view=view, steps=written, new=new, old=old, lines=lines[:DIFF_LINES],
            cut=max(len(lines) - DIFF_LINES, 0), share=share_changed(one, two),
        )  # fmt: skip


def memory_page(request: Request, followed: Followed) -> Response:
    """What the run remembers, searched and paged."""
    with followed.read() as now:
        task = now.view.task
    text, verdict, number = (request.query_params.get(name, "").strip() for name in ("text", "verdict", "page"))
    found = browse(followed.run, text=text, verdict=verdict, page=int(number) if number.isdecimal() and len(number) < 7 else 1)
    return page(request, "memory.html.j2", key=followed.key, task=task, found=found, text=text, verdict=verdict)
