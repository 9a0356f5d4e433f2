"""What a person may ask of a run from outside: to stop, and to keep a hint in mind. The command line and the dashboard both ask here."""

import json
from typing import TYPE_CHECKING, Any

from gome_graph.errors import RunError, TaskError
from gome_graph.report.status import status
from gome_graph.report.story import story_of

if TYPE_CHECKING:
    from gome_graph.run import RunDirectory

LONGEST_HINT = 2000
"""Characters of a hint: it is read by reasoners and shown in views."""


def ask_stop(run: "RunDirectory") -> None:
    """Ask a live run to end with the best so far; `RunError` if nobody works on it."""
    if not run.is_live():
        raise RunError(f"{run.root} is not running (status: {status(run, story_of(run))}); there is nothing to stop")
    run.stop_path.touch()


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
    if len(text) > LONGEST_HINT:
        raise TaskError(f"the hint has {len(text)} characters; give at most {LONGEST_HINT}")
    traces = int(run.record().get("settings", {}).get("traces", 64))
    if trace is not None and not 0 <= trace < traces:
        raise TaskError(f"--trace {trace}: the run has traces 0 to {traces - 1}")
    if status(run, story_of(run)) in ("done", "failed"):  # neither can be resumed
        raise RunError(f"{run.root} has ended; a hint would reach nobody")
    value = {"trace": trace, "text": text}
    with run.hints_path.open("a", encoding="utf-8") as file:  # one write: a reader sees the whole line or nothing of it
        file.write(json.dumps(value, ensure_ascii=False) + "\n")
    return value
