"""Geometry of the report's drawings: plain numbers that the template turns into SVG. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from gome_graph.records import VerdictKind
from gome_graph.report.format import clock, score_text, value_text
from gome_graph.report.story import RunView, StepView

PALETTE = 8
"""Number of trace colours in the style sheet; more traces take turns."""

WIDTH, HEIGHT = 1000.0, 350.0
LEFT, RIGHT, TOP, BOTTOM = 74.0, 16.0, 16.0, 44.0


@dataclass
class Mark:
    """One point of the score chart."""

    step: str
    trace: int
    x: float
    y: float
    low: float | None
    """Lower end of the error bar, in pixels; None where the score lies outside of the picture."""
    high: float | None
    kind: str
    """``accepted``, ``rejected`` or ``outside`` (beyond the scale: drawn as an arrow at the edge)."""
    label: str
    best: bool = False


@dataclass
class Tick:
    """A line of the grid."""

    at: float
    text: str


@dataclass
class ScoreChart:
    """Score over time."""

    marks: list[Mark] = field(default_factory=list)
    failures: list[Mark] = field(default_factory=list)
    """Steps without a score, on the lower edge."""
    lines: list[tuple[int, str]] = field(default_factory=list)
    """(trace, SVG points) of each trace's accepted scores."""
    best_line: str = ""
    """SVG points of the best so far over all traces, as steps."""
    baseline: float | None = None
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    width: float = WIDTH
    height: float = HEIGHT
    floor: float = HEIGHT - BOTTOM
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP


def step_state(step: StepView) -> str:
    """``open`` (no verdict yet), ``dropped`` (never begun), ``accepted``, ``rejected`` (sound, not taken) or ``failed``."""
    if step.verdict is None:
        return "dropped" if step.dropped is not None else "open"
    if step.accepted:
        return "accepted"
    return "rejected" if step.verdict.kind in (VerdictKind.NOT_BETTER, VerdictKind.VETOED, VerdictKind.STOPPED) else "failed"


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers between `low` and `high`.

    Examples
    --------
    >>> nice_ticks(0.0, 10.0, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    raw = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def tick_texts(values: Sequence[float]) -> list[str]:
    """Ticks with as many decimals as tell them apart.

    Examples
    --------
    >>> tick_texts([3.9, 3.925, 3.95])
    ['3.900', '3.925', '3.950']
    """
    places = next((p for p in range(12) if all(abs(round(v, p) - v) <= 1e-9 * max(abs(v), 1e-3) for v in values)), 12)
    return [f"{value:.{places}f}" for value in values]


TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Steps of a time axis, seconds."""


def time_ticks(span: float, count: int = 8) -> list[float]:
    """At most about `count` round times from 0 to `span` seconds.

    Examples
    --------
    >>> time_ticks(75.0)
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]
    """
    step = next((s for s in TIME_STEPS if span / s <= count), TIME_STEPS[-1])
    return [float(n * step) for n in range(int(span / step) + 1)]


def score_range(steps: Sequence[StepView]) -> tuple[float, float] | None:
    """The scale: holds every accepted score with its error; a stray rejected one does not squash the rest."""
    scored = [s for s in steps if s.score is not None and math.isfinite(s.score.value)]
    core = [s.score for s in scored if s.accepted and s.score] or [s.score for s in scored if s.score]
    if not core:
        return None
    ends = [v for s in core for v in (s.value - _error(s.standard_error), s.value + _error(s.standard_error))]
    low, high = min(ends), max(ends)
    reach = max(high - low, 1e-9)
    near = [s.score.value for s in scored if s.score and low - 0.6 * reach <= s.score.value <= high + 0.6 * reach]
    low, high = min(low, *near), max(high, *near)
    pad = 0.06 * (high - low) or 0.01 * abs(high) or 1.0
    return low - pad, high + pad


def score_chart(view: RunView) -> ScoreChart | None:
    """Where everything goes; None before the first score."""
    steps = [s for s in view.steps if s.verdict is not None and s.ended is not None]
    scale = score_range(steps)
    if scale is None:
        return None
    low, high = scale
    span = max(view.budget_seconds if view.status is None else view.elapsed, view.elapsed, 1.0)

    def x_of(seconds: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(seconds / span, 1.0), 2)

    def y_of(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 2)

    chart = ScoreChart()
    for step in steps:
        mark = _mark(step, view, x_of, y_of, low, high, chart.floor)
        (chart.failures if step.score is None else chart.marks).append(mark)
    chart.lines = _trace_lines(view, chart.marks)
    chart.best_line = _best_line(steps, x_of, y_of, x_of(view.elapsed))
    if view.baseline is not None and low <= view.baseline.value <= high:
        chart.baseline = y_of(view.baseline.value)
    chart.x_ticks = [Tick(x_of(t), clock(t)) for t in time_ticks(span)]
    values = nice_ticks(low, high, 5)
    chart.y_ticks = [Tick(y_of(value), text) for value, text in zip(values, tick_texts(values), strict=True)]
    return chart


def _error(standard_error: float) -> float:
    return standard_error if math.isfinite(standard_error) and standard_error > 0 else 0.0


def _mark(step: StepView, view: RunView, x_of, y_of, low: float, high: float, floor: float) -> Mark:  # type: ignore[no-untyped-def]
    x = x_of(step.ended)
    verdict = step.verdict.kind.value.replace("_", " ") if step.verdict else ""
    label = f"{step.step}: {step.title}\n{score_text(step.score, 'no score')}, {verdict}"
    common = {
        "step": step.step,
        "trace": step.trace % PALETTE,
        "x": x,
        "label": label,
        "best": step.step == (view.chosen or view.best_step),
    }
    if step.score is None or not math.isfinite(step.score.value):
        return Mark(**common, y=floor, low=None, high=None, kind="failed")
    value, error = step.score.value, _error(step.score.standard_error)
    if not low <= value <= high:
        return Mark(**common, y=floor - 6 if value < low else TOP + 6, low=None, high=None, kind="outside")
    bottom, top = y_of(max(value - error, low)), y_of(min(value + error, high))
    return Mark(**common, y=y_of(value), low=bottom, high=top, kind="accepted" if step.accepted else "rejected")


def _trace_lines(view: RunView, marks: list[Mark]) -> list[tuple[int, str]]:
    lines = []
    where = {m.step: m for m in marks if m.kind == "accepted"}
    for trace in view.traces:
        points = [where[s.step] for s in trace.steps if s.step in where]
        if len(points) > 1:
            lines.append((trace.trace % PALETTE, " ".join(f"{p.x},{p.y}" for p in points)))
    return lines


def _best_line(steps: list[StepView], x_of, y_of, end: float) -> str:  # type: ignore[no-untyped-def]
    points: list[str] = []
    best = None
    for step in sorted((s for s in steps if s.accepted and s.score), key=lambda s: s.ended or 0.0):
        if step.score is None or (best is not None and not step.score.better_than(best)):
            continue
        x = x_of(step.ended)
        if best is not None:
            points.append(f"{x},{y_of(best.value)}")
        best = step.score
        points.append(f"{x},{y_of(best.value)}")
    if best is not None:
        points.append(f"{end},{y_of(best.value)}")
    return " ".join(points)


@dataclass
class TreeNode:
    """One step in the drawing of the tree."""

    step: str
    x: float
    y: float
    kind: str
    """``accepted``, ``rejected`` (scored, not taken) or ``failed``."""
    label: str
    best: bool
    text: str = ""
    """The score, written above accepted steps where there is room."""


@dataclass
class Lane:
    """One trace: accepted steps on the line, the others hang below."""

    trace: int
    color: int
    y: float
    nodes: list[TreeNode] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)
    """(class, SVG path)."""
    note: str = ""


@dataclass
class Tree:
    """All traces."""

    lanes: list[Lane]
    width: float
    height: float


LANE_HEIGHT, DROP, START = 92.0, 32.0, 90.0

TEXT_GAP = 62.0
"""Pixels between steps from which scores are written into the tree."""


def step_tree(view: RunView) -> Tree | None:
    """The tree of steps, a lane for each trace; None before the first step."""
    longest = max((s.number for s in view.steps if s.dropped is None), default=-1)
    if longest < 0:
        return None
    gap = min(max((WIDTH - START - 40) / max(longest, 1), 26.0), 150.0)
    lanes = []
    for row, trace in enumerate(t for t in view.traces if t.steps):
        y = 34 + row * LANE_HEIGHT
        lane = Lane(trace.trace, trace.trace % PALETTE, y, note=trace.ended or "")
        where: dict[str, TreeNode] = {}
        for step in trace.steps:
            if step.dropped is not None:
                continue
            node = _node(step, START + gap * step.number, y, view)
            if step.score is not None and node.kind == "accepted" and gap >= TEXT_GAP:
                node.text = value_text(step.score)
            where[step.step] = node
            lane.nodes.append(node)
            if step.parent in where:
                lane.edges.append(_edge(where[str(step.parent)], node))
        lanes.append(lane)
    return Tree(lanes, round(max(START + gap * longest + 40, 320), 1), 34 + len(lanes) * LANE_HEIGHT - 40)


def _node(step: StepView, x: float, y: float, view: RunView) -> TreeNode:
    kind = step_state(step)
    below = 0.0 if kind in ("accepted", "open") else DROP
    word = step.verdict.kind.value.replace("_", " ") if step.verdict else "in hand"
    label = f"{step.step}: {step.title}\n{score_text(step.score, 'no score')}, {word}"
    return TreeNode(step.step, round(x, 1), y + below, kind, label, step.step == (view.chosen or view.best_step))


def _edge(parent: TreeNode, child: TreeNode) -> tuple[str, str]:
    if child.y == parent.y:
        return "main", f"M{parent.x},{parent.y}H{child.x}"
    middle = round(child.x - min(18.0, (child.x - parent.x) * 0.6), 1)
    return "branch", f"M{parent.x},{parent.y}H{middle}Q{child.x},{parent.y} {child.x},{child.y}"


@dataclass
class Block:
    """A piece of a trace's time line."""

    x: float
    width: float
    kind: str
    step: str
    label: str


TIME_WIDTH = 1000.0


def time_lines(view: RunView) -> list[tuple[int, list[Block]]]:
    """Per trace, what its time went into, on a scale of `TIME_WIDTH`: scripts by verdict; the gaps are the controller."""
    span = max(view.elapsed, 1e-9)
    rows = []
    for trace in view.traces:
        blocks = []
        for step in trace.steps:
            seconds = step.execution.wall_seconds if step.execution else 0.0
            if step.ended is None or seconds <= 0:
                continue
            kind = step_state(step)
            start = max(step.ended - seconds, 0.0)
            blocks.append(Block(round(TIME_WIDTH * start / span, 2), round(max(TIME_WIDTH * seconds / span, 1.0), 2), kind, step.step,
                                f"{step.step}: {step.title} ({seconds:.1f} s)"))  # fmt: skip
        rows.append((trace.trace, blocks))
    return rows
