"""How a run stands, in a word: what its journal says, and whether a process holds it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gome_graph.report.story import RunView
    from gome_graph.run import RunDirectory


def status(run: "RunDirectory", view: "RunView") -> str:
    """``live``, the result's status, ``paused`` (waits for a person) or ``crashed`` (no process, no result); these two can be resumed."""
    try:
        if run.is_live():
            return "live"
    except OSError:  # a read-only run: nobody works on it
        pass
    return view.status or ("paused" if view.phase == "paused" else "crashed")
