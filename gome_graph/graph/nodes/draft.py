"""draft: the first solution of a trace, or a new root after failed ones; in a derived run, the solution it was derived from."""

from typing import Any

from langgraph.runtime import Runtime

from gome_graph.graph.blackboard import blackboard
from gome_graph.graph.context import step_context
from gome_graph.graph.nodes.begin import begin_step
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import TraceState
from gome_graph.hooks import Update
from gome_graph.records import Component, Hypothesis, Patch, Solution


def draft_node(state: TraceState, runtime: Runtime[None]) -> dict[str, Any]:
    """Ask the reasoner for a root and put it into the step's workspace."""
    run = services(state["run_dir"])
    step = state.get("step", 0)
    board = blackboard(runtime, run)
    run.tell_hints()
    origin = run.run.origin() if step == 0 else None
    update = _taken_over(run, origin) if origin is not None else run.reasoner.draft(step_context(run, board, state, step))
    begin_step(run, board, state, step, update, parent=None)
    return {"step": step}


def _taken_over(run: RunServices, origin: Solution) -> Update:
    """The solution of another run as a draft; it is executed and judged anew."""
    source = run.run.record()["derived_from"]
    hypothesis = Hypothesis(
        title=f"Begin with step {source['step']} of {source['run'].rpartition('/')[2]}", rationale="The run was derived from this step.",
        component=Component.WORKFLOW, family=origin.family,
    )  # fmt: skip
    return Update(hypothesis, Patch(whole=origin.script), origin)
