"""The bench as one self-contained HTML page: tables, plots, and the commands that made it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gome_graph.bench.plan import Plan
from gome_graph.bench.summary import by_task, mean_curve, summarise
from gome_graph.bench.tables import cells, plus_minus
from gome_graph.support.files import write_text

GRID = 60
"""Points of a curve."""
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f", "#475569", "#92400e")
Row = dict[str, Any]


def write_page(plan: Plan, out: Path, rows: Sequence[Row], points: Sequence[Row], command: str) -> Path:
    """Write ``bench.html``."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("gome_graph.bench", "templates"), autoescape=True, undefined=StrictUndefined)
    lines = summarise(rows)
    failed = [row for row in rows if row["validation"] is None]
    page = environment.get_template("bench.html.jinja").render(
        plan=plan, lines=[cells(line) for line in lines], tasks=by_task(rows), arms=[line["arm"] for line in lines], failed=failed,
        plus_minus=plus_minus, command=command, commands=[" ".join(["gome", *plan.command(cell, Path("OUT"))]) for cell in plan.cells],
        plots=plots(lines, rows, points), plotted=find_spec("plotly") is not None, done=len(rows), wanted=len(plan.cells),
    )  # fmt: skip
    path = out / "bench.html"
    write_text(path, page)
    return path


def plots(lines: Sequence[Row], rows: Sequence[Row], points: Sequence[Row]) -> list[str]:
    """The plots as HTML; the first one brings the library with it. None where plotly is not installed."""
    if not lines or find_spec("plotly") is None:
        return []
    figures = [
        _curves(lines, rows, points, "n", "judged steps"), _curves(lines, rows, points, "at_seconds", "seconds"),
        _bars(lines, "improvement_rate", "improvement_sem", "share of steps after the drafts that improved"),
        _bars(lines, "gain", "gain_sem", "gain over the first arm, noise units (mean ± SEM over runs)"),
        _bars(lines, "seconds", None, "cost: seconds of all runs"),
    ]  # fmt: skip
    if any(line["tokens"] for line in lines):
        figures.append(_bars(lines, "tokens", None, "cost: tokens of all runs"))
    if any(line["cost"] for line in lines):
        figures.append(_bars(lines, "cost", None, "cost: US dollars of all runs"))
    if any(line["medals"] is not None for line in lines):
        figures.append(_bars(lines, "medals", None, "medals"))
    return [figure.to_html(full_html=False, include_plotlyjs=number == 0) for number, figure in enumerate(figures)]


def _figure(title: str) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(title=title, template="plotly_white", height=380, margin={"l": 60, "r": 20, "t": 50, "b": 45})
    return figure


def _curves(lines: Sequence[Row], rows: Sequence[Row], points: Sequence[Row], axis: str, words: str) -> Any:
    """Best so far with a band of one SEM on both sides."""
    import plotly.graph_objects as go

    figure = _figure(f"best so far by {words}: gain over the run's first score, noise units")
    end = max((row["steps"] if axis == "n" else row["seconds"] for row in rows), default=1)
    grid = [float(n) for n in range(1, int(end) + 1)] if axis == "n" else [end * n / GRID for n in range(GRID + 1)]
    for number, line in enumerate(lines):
        mean, error = mean_curve(rows, points, line["arm"], axis, grid)
        colour = COLOURS[number % len(COLOURS)]
        upper, lower = [m + e for m, e in zip(mean, error, strict=True)], [m - e for m, e in zip(mean, error, strict=True)]
        figure.add_trace(
            go.Scatter(x=[*grid, *reversed(grid)], y=[*upper, *reversed(lower)], fill="toself", fillcolor=colour, opacity=0.15,
                       line={"width": 0}, hoverinfo="skip", showlegend=False)
        )  # fmt: skip
        figure.add_trace(go.Scatter(x=grid, y=mean, name=line["arm"], line={"color": colour, "shape": "hv"}))
    figure.update_xaxes(title=words)
    return figure


def _bars(lines: Sequence[Row], value: str, error: str | None, title: str) -> Any:
    import plotly.graph_objects as go

    figure = _figure(title)
    bars = {"type": "data", "array": [line[error] or 0.0 for line in lines]} if error else None
    figure.add_trace(
        go.Bar(x=[line["arm"] for line in lines], y=[line[value] for line in lines], error_y=bars,
               marker={"color": [COLOURS[n % len(COLOURS)] for n in range(len(lines))]})
    )  # fmt: skip
    return figure
