"""What a person may ask of a run from outside: to stop, to pause, to keep a hint in mind, to choose or refuse a step.

The command line and the dashboard both ask here.
"""

from typing import TYPE_CHECKING, Any

from gome_graph.errors import RunError, TaskError
from gome_graph.report.status import status
from gome_graph.report.story import story_of
from gome_graph.run.steering import MOST_WORDS, Hint, Wish, WishKind, append_line

if TYPE_CHECKING:
    from gome_graph.run import RunDirectory


def ask_stop(run: "RunDirectory") -> None:
    """Ask a live run to end with the best so far; `RunError` if nobody works on it."""
    if not run.is_live():
        raise RunError(f"{run.root} is not running (status: {status(run, story_of(run))}); there is nothing to stop")
    run.stop_path.touch()


def ask_pause(run: "RunDirectory") -> None:
    """Ask a live run to rest after the steps in hand; `RunError` if nobody works on it."""
    if not run.is_live():
        raise RunError(f"{run.root} is not running (status: {status(run, story_of(run))}); there is nothing to pause")
    run.pause_path.touch()


def wish(run: "RunDirectory", step: str, kind: WishKind, reason: str = "") -> Wish:
    """Write down that a step is to be handed out (``pin``) or refused (``veto``); it is done before the next step.

    Raises
    ------
    TaskError
        If the reason is too long.
    RunError
        If the run has ended, or the step has no score.
    """
    words = " ".join(reason.split())
    if len(words) > MOST_WORDS:
        raise TaskError(f"--reason has {len(words)} characters; give at most {MOST_WORDS}")
    if status(run, story_of(run)) in ("done", "failed"):  # neither can be resumed
        raise RunError(f"{run.root} has ended; see its steps with: gome show {run.root}")
    verdict = run.step(step).verdict() if step in run.steps() else None
    if verdict is None or verdict.score is None:
        raise RunError(f"step {step} of {run.root} has no score; only a step with one can be chosen or refused")
    made = Wish(kind=kind, step=step, reason=words)
    append_line(run.wishes_path, made)
    return made


def give_hint(run: "RunDirectory", hint: str, trace: int | None = None) -> dict[str, Any]:
    """Write a hint down for all traces or one of them; traces see it before their next step. Returns the hint as it was written.

    Raises
    ------
    TaskError
        If the hint is empty or too long, or the run has no such trace.
    RunError
        If the run has ended.
    """
    text = " ".join(hint.split())
    if not text:
        raise TaskError("the hint is empty; write it in quotes after the run directory")
    if len(text) > MOST_WORDS:
        raise TaskError(f"the hint has {len(text)} characters; give at most {MOST_WORDS}")
    traces = int(run.record().get("settings", {}).get("traces", 64))
    if trace is not None and not 0 <= trace < traces:
        raise TaskError(f"--trace {trace}: the run has traces 0 to {traces - 1}")
    if status(run, story_of(run)) in ("done", "failed"):  # neither can be resumed
        raise RunError(f"{run.root} has ended; a hint would reach nobody")
    append_line(run.hints_path, Hint(text=text, trace=trace))
    return {"trace": trace, "text": text}
