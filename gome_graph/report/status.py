"""How a run stands, in a word: what its journal says, and whether a process holds it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gome_graph.report.story import RunView
    from gome_graph.run import RunDirectory


def is_live(run: "RunDirectory") -> bool:
    """Whether a process holds the run; nobody works on one that is read-only."""
    try:
        return run.is_live()
    except OSError:
        return False


def status(run: "RunDirectory", view: "RunView") -> str:
    """``live``, the result's status, ``paused`` (waits for a person) or ``crashed`` (no process, no result); these two can be resumed."""
    return "live" if is_live(run) else view.status or ("paused" if view.phase == "paused" else "crashed")
