"""The live view's picture: a `RunView` as lines that fit a given width and height. Pure."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from gome_graph.report.format import clock, harmless, score_text, value_text
from gome_graph.report.story import RunView, StepView, TraceView
from gome_graph.report.words import verdict_numbers, verdict_word

NARROW = 70
"""Columns below which side notes are left out."""

TRACE_LINES = 3
"""Lines of a trace at full size; 1 where there is no room."""

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def draw(
    view: RunView, width: int, height: int, *, elapsed: float, stopping: bool = False, tick: int = 0, news: Sequence[str] = ()
) -> list[Text]:
    """The picture, at most `height` lines of at most `width` cells.

    Parameters
    ----------
    view
        What to show.
    width, height
        Size of the terminal.
    elapsed
        Budget seconds spent by now (events only come now and then).
    stopping
        The user asked for an end.
    tick
        Counts redraws: turns the spinner.
    news
        Lines worth knowing, newest last; as many as there is room for.
    """
    rule = Text("─" * width, style="grey37")
    top = [_head(view, width), _best(view), _bar(view, width, elapsed), *([_asked(view)] if view.asked else []), rule]
    traces = _traces(view.traces, height - len(top) - 1, tick)
    room = height - len(top) - len(traces) - 2
    latest = [Text(line, style="dim") for line in news[-room:]] if room > 0 else []
    lines = [*top, *traces, *([rule, *latest] if latest else []), _foot(view, stopping)]
    return [_fit(line, width) for line in lines[:height]]


def _fit(line: Text, width: int) -> Text:
    line = line.copy()
    line.no_wrap = True
    line.plain = harmless(line.plain)
    line.truncate(width, overflow="ellipsis")
    return line


def _head(view: RunView, width: int) -> Text:
    line = Text(view.task or "gome", style="bold")
    way = {True: "higher is better", False: "lower is better", None: ""}[view.higher_is_better]
    if view.metric:
        line.append(f"   {view.metric}", style="not bold")
    if way and width >= NARROW:
        line.append(f", {way}", style="not bold dim")
    if width >= NARROW and view.data:
        line.append(f"   {view.data.get('rows')} rows, {view.data.get('folds')} folds", style="not bold dim")
    return line


def _best(view: RunView) -> Text:
    line = Text("best  ", style="dim")
    if view.best is None:
        return line.append("none yet", style="not dim")
    line.append(score_text(view.best), style="not dim bold green")
    line.append(f"  {view.best_step or ''}", style="not dim cyan")
    if view.baseline is not None and view.baseline.value != view.best.value:
        line.append(f"   baseline {value_text(view.baseline)}", style="dim")
    line.append(f"   {view.judged} steps, {view.accepted} accepted", style="dim")
    return line


def _bar(view: RunView, width: int, elapsed: float) -> Text:
    total = view.budget_seconds
    share = min(elapsed / total, 1.0) if total else 0.0
    stage = view.phase if view.phase != "running" else view.stage.value
    words = f"  {clock(elapsed)} of {clock(total)}  {stage}"
    cells = max(min(width - cell_len(words) - 6, 60), 4)
    full = round(share * cells)
    line = Text("time  ", style="dim")
    line.append("━" * full, style="not dim yellow" if share > 0.9 else "not dim cyan")
    line.append("━" * (cells - full), style="not dim grey30")
    return line.append(words, style="not dim")


def _asked(view: RunView) -> Text:
    """What language models used, by role, and what went wrong last."""
    line = Text("asked ", style="dim")
    line.append(view.asked.line() or "no answer yet", style="not dim")
    roles = ", ".join(f"{role} {use.tokens_in + use.tokens_out:,}" for role, use in view.asked.by_role.items())
    if roles:
        line.append(f"   {roles}", style="dim")
    count = sum(view.asked.troubles.values())
    if count:
        line.append(f"   {count} {'trouble' if count == 1 else 'troubles'}, last: {view.asked.last_trouble}", style="not dim yellow")
    return line


def _traces(traces: list[TraceView], room: int, tick: int) -> list[Text]:
    """As many traces as fit: three lines each, else one, else the liveliest and a count of the others."""
    if room <= 0 or not traces:
        return []
    if len(traces) * TRACE_LINES <= room:
        return [line for trace in traces for line in _full(trace, tick)]
    if len(traces) <= room:
        return [_short(trace, tick) for trace in traces]
    live = sorted(traces, key=lambda t: (t.ended is not None, t.trace))
    shown, rest = live[: room - 1], live[room - 1 :]
    ended = sum(t.ended is not None for t in rest)
    lines = [_short(trace, tick) for trace in sorted(shown, key=lambda t: t.trace)]
    return [*lines, Text(f"   … and {len(rest)} more traces ({ended} ended)", style="dim")]


def _mark(trace: TraceView, tick: int) -> Text:
    if trace.ended is not None:
        return Text("■ ", style="dim")
    return Text(f"{SPINNER[tick % len(SPINNER)]} ", style="cyan")


def _full(trace: TraceView, tick: int) -> list[Text]:
    step = trace.current
    head = _mark(trace, tick).append(step.step if step else f"t{trace.trace}-0", style="bold cyan" if trace.ended is None else "bold dim")
    if trace.ended is not None:
        head.append(f"  ended: {trace.ended}", style="not bold dim")
    else:
        head.append(f"  {trace.doing}", style="not bold cyan")
        head.append(f"  {step.title if step else 'first draft'}", style="not bold default")
    why = Text("     ", style="dim")
    if step is not None and step.diagnosis is not None:
        why.append(f"because {step.diagnosis.cause}", style="italic")
    elif step is not None and step.hypothesis is not None:
        why.append(step.hypothesis.rationale, style="italic")
    return [head, _last(trace)] if trace.ended is not None else [head, why, _last(trace)]


def _last(trace: TraceView) -> Text:
    step = trace.judged
    line = Text("     ")
    if step is None:
        return line.append("no score yet", style="dim")
    line.append(f"{step.step} ", style="dim")
    line.append(score_text(step.score) if step.score else "no score")
    line.append(f"  {verdict_word(step)}", style=style_of(step))
    numbers = verdict_numbers(step)
    if numbers:
        return line.append(f"  {numbers}", style="dim")
    return line if step.verdict is None or step.accepted else line.append(f"  {step.verdict.reason}", style="dim")


def _short(trace: TraceView, tick: int) -> Text:
    step, last = trace.current, trace.judged
    line = _mark(trace, tick).append(step.step if step else f"t{trace.trace}-0", style="bold cyan" if trace.ended is None else "bold dim")
    line.append(
        f" {'ended' if trace.ended is not None else trace.doing}", style="not bold dim" if trace.ended is not None else "not bold cyan"
    )
    if last is not None:
        line.append(f"  {score_text(last.score) if last.score else 'no score'}", style="not bold default")
        line.append(f" {verdict_word(last)}", style=style_of(last))
    if trace.ended is None and step is not None:
        line.append(f"  {step.title}", style="not bold dim")
    return line


def style_of(step: StepView) -> str:
    """Green for accepted, grey for not better, red for what failed."""
    if step.accepted:
        return "bold green"
    return "yellow" if step.verdict is not None and step.verdict.kind.value in ("not_better", "stopped", "vetoed") else "bold red"


def _foot(view: RunView, stopping: bool) -> Text:
    if stopping and view.phase != "ended":
        return Text("stopping: the best so far is written out; Ctrl-C again ends at once", style="bold yellow")
    if view.protections.get("mechanism") == "none":
        return Text("NO SANDBOX: scripts run with your rights.  Ctrl-C stops and keeps the best", style="bold red")
    return Text("Ctrl-C stops and keeps the best so far", style="dim")
