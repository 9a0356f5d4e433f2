"""draft: the first solution of a trace, or a new root after failed ones."""

from typing import Any

from langgraph.runtime import Runtime

from gome_graph.graph.blackboard import blackboard
from gome_graph.graph.context import step_context
from gome_graph.graph.nodes.begin import begin_step
from gome_graph.graph.services import services
from gome_graph.graph.state import TraceState


def draft_node(state: TraceState, runtime: Runtime[None]) -> dict[str, Any]:
    """Ask the reasoner for a root and put it into the step's workspace."""
    run = services(state["run_dir"])
    step = state.get("step", 0)
    board = blackboard(runtime, run)
    run.tell_hints()
    update = run.reasoner.draft(step_context(run, board, state, step))
    begin_step(run, board, state, step, update, parent=None)
    return {"step": step}
