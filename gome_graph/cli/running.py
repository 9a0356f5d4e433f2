"""What ``run``, ``resume`` and ``demo`` share: the display around a run, the report behind it, the last words."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome_graph.cli import output
from gome_graph.cli.display import make_display
from gome_graph.cli.interrupt import Interrupt
from gome_graph.errors import GomeError
from gome_graph.support.collecting import set_aside

if TYPE_CHECKING:
    from gome_graph.records import Event
    from gome_graph.run import RunResult

Begin = Callable[[Sequence[Callable[["Event"], None]], Callable[[], bool]], "RunResult"]
"""Starts or resumes: (observers, stopped) -> result."""


def carry_out(begin: Begin, run_dir: Path, *, json_events: bool = False) -> "RunResult":
    """Run to the end under a display, with Ctrl-C handled, and write the report.

    Parameters
    ----------
    begin
        Calls `start` or `resume`.
    run_dir
        Where the run lives: a traceback of an unexpected error is kept there.
    json_events
        Print each event as a line of JSON.
    """
    display = make_display(json_events=json_events)
    set_aside()
    with Interrupt(announce=not display.live, at_once=display.abandon) as interrupt:
        try:
            with display.open(interrupt.stopped):
                result = begin([display.event], interrupt.stopped)
        except GomeError:
            raise
        except Exception as error:
            error.gome_run_dir = run_dir  # type: ignore[attr-defined]
            raise
        _report(result)
    return result


def process_age() -> float:
    """Seconds since this process began: the user's clock runs from there, imports included."""
    import time

    import psutil

    return max(0.0, time.time() - float(psutil.Process().create_time()))


def _report(result: "RunResult") -> None:
    from gome_graph.run import RunDirectory

    try:
        from gome_graph.report import write_report

        write_report(RunDirectory.open(result.run_dir))
    except Exception as error:  # the run is worth more than its report
        import logging

        logging.getLogger(__name__).debug("report failed", exc_info=True)
        output.say(
            f"gome: the report could not be written ({type(error).__name__}: {error}); try: gome report {result.run_dir}", stderr=True
        )


def summary(result: "RunResult") -> dict[str, Any]:
    """The result as one JSON object."""
    value: dict[str, Any] = result.model_dump(mode="json")
    value["exit_code"] = result.exit_code
    value["files"] = {name: path for name, path in value["files"].items() if Path(path).exists()}
    return value


def last_words(result: "RunResult") -> None:
    """Baseline, final score, audit, and where the files are."""
    from rich.table import Table
    from rich.text import Text

    from gome_graph.report.format import duration, score_text

    words = {
        "done": ("done", "bold green"),
        "stopped": ("stopped, the best so far is saved", "bold yellow"),
        "paused": (f"paused, the clock stands still; go on with: gome resume {shown(result.run_dir)}", "bold yellow"),
    }
    head, style = words.get(result.status, ("no valid solution was found", "bold red"))
    if result.status == "stopped" and result.step is None:
        head, style = "stopped before a first valid solution", "bold yellow"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    score = result.score
    if score is not None:
        table.add_row("metric", f"{score.metric} ({'higher' if score.higher_is_better else 'lower'} is better)")
    table.add_row("baseline", f"{score_text(result.first_score)}   best of the first drafts" if result.first_score else "-")
    if score is not None:
        line = Text(score_text(score), style="bold")
        line.append(f"   step {result.step}{_change(result)}", style="not bold")
        table.add_row("so far" if result.status == "paused" else "final", line)
        if result.reason:
            table.add_row("chosen", result.reason)
        if result.status != "paused":  # nobody looks at it before the end
            table.add_row(
                "audit", f"{score_text(result.audit)}   rows no script or reasoner saw scored" if result.audit else "- (no audit part)"
            )
    table.add_row("steps", f"{result.steps}, accepted {result.accepted}, in {duration(result.spent_seconds)}")
    if result.ended and result.status == "done":
        table.add_row("ended", result.ended)
    asked = _asked(result)
    if asked:
        table.add_row("models", asked)
    for name in ("solution", "submission", "report"):
        path = result.files.get(name)
        if path and Path(path).exists():
            table.add_row(name, shown(Path(path)))
        elif name == "submission" and result.step is not None:
            table.add_row(name, "none: the task has no test file to predict")
    if result.step is None:
        table.add_row("look at", f"gome show {shown(result.run_dir)}")
    output.say(Text(f"\n{head}", style=style), table)


def _asked(result: "RunResult") -> str:
    """What language models used, in a line; empty where none was asked."""
    from gome_graph.report.asked import money_text
    from gome_graph.run import RunDirectory

    asked = RunDirectory(result.run_dir).record().get("models")
    if not asked:
        return ""
    total = asked["total"]
    money = "" if total["unpriced"] else f", {money_text(total['cost'])}"
    valid = "no answer" if asked["validity"] is None else f"{asked['validity']:.0%} valid at once"
    return f"{total['requests']} requests, {total['tokens_in'] + total['tokens_out']:,} tokens{money}; {valid}"


def _change(result: "RunResult") -> str:
    first, last = result.first_score, result.score
    if first is None or last is None or first.value == last.value:
        return ""
    better = last.better_than(first)
    base = abs(first.value)
    share = f", {'better' if better else 'worse'} by {100 * abs(last.value - first.value) / base:.1f} %" if base else ""
    return f"{share}" if share else ", better" if better else ", worse"


def shown(path: Path) -> str:
    """Relative to the working directory where it lies in it."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
