"""update: the reasoner chooses a hypothesis in the light of momentum and patches the incumbent."""

from typing import Any

from langgraph.runtime import Runtime

from gome_graph.graph.blackboard import blackboard
from gome_graph.graph.context import step_context, with_facts
from gome_graph.graph.nodes.begin import begin_step
from gome_graph.graph.services import services
from gome_graph.graph.state import TraceState
from gome_graph.records import Diagnosis, EventKind, Hypothesis, Momentum, step_id
from gome_graph.solution import share_changed


def update_node(state: TraceState, runtime: Runtime[None]) -> dict[str, Any]:
    """Write the next solution, or end the trace if nothing is left to try."""
    run = services(state["run_dir"])
    board = blackboard(runtime, run)
    name = step_id(state["trace"], state["step"])
    folder = run.run.step(name)
    context = with_facts(step_context(run, board, state, state["step"]), folder)
    update = run.reasoner.update(
        context,
        Diagnosis.model_validate(folder.load("diagnosis")),
        [Hypothesis.model_validate(h) for h in folder.load("hypotheses") or []],
        Momentum.model_validate(folder.load("momentum")),
    )
    if update is None:
        return {"end": "nothing is left to try"}
    parent = state.get("incumbent")
    old = context.incumbent.script if context.incumbent else ""
    begin_step(run, board, state, state["step"], update, parent if update.patch.whole is None else None)
    run.journal.add(
        EventKind.UPDATED, trace=state["trace"], step=name, hypothesis=update.hypothesis.model_dump(mode="json"),
        patch={"edits": len(update.patch.edits), "whole": update.patch.whole is not None,
               "share_changed": round(share_changed(old, update.solution.script), 3)},
    )  # fmt: skip
    return {}
