"""leave: a trace says that it is over."""

from typing import Any

from gome_graph.graph.services import services
from gome_graph.graph.state import TraceState
from gome_graph.records import EventKind


def leave_node(state: TraceState) -> dict[str, Any]:
    """Journal why the trace ended and hand that to the run graph."""
    run = services(state["run_dir"])
    steps, reason = state.get("step", 0) + 1, state.get("end") or "the strategy ended it"
    run.journal.add(EventKind.TRACE_ENDED, trace=state["trace"], reason=reason, steps=steps)
    return {"ended": [{"trace": state["trace"], "steps": steps, "reason": reason}]}
