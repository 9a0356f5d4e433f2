"""update: the reasoner chooses a hypothesis in the light of momentum and patches the incumbent."""

from typing import Any

from langgraph.runtime import Runtime

from gome_graph.graph.blackboard import blackboard
from gome_graph.graph.context import step_context, with_facts
from gome_graph.graph.move import close_start, from_start
from gome_graph.graph.nodes.begin import begin_step
from gome_graph.graph.probes import PROBES, steepest_first
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
    context = with_facts(from_start(run, state, step_context(run, board, state, state["step"])), folder)
    diagnosis = Diagnosis.model_validate(folder.load("diagnosis"))
    hypotheses = [Hypothesis.model_validate(h) for h in folder.load("hypotheses") or []]
    momentum = Momentum.model_validate(folder.load("momentum"))
    if state.get("probes", 1) > 1:
        hypotheses = steepest_first(run, folder, context, diagnosis, hypotheses, momentum, state["probes"])
    update = run.reasoner.update(context, diagnosis, hypotheses, momentum)
    if update is None:
        return close_start(run, state)
    start = state.get("start")
    parent = start or state.get("incumbent")
    old = context.incumbent.script if context.incumbent else ""
    begin_step(run, board, state, state["step"], update, parent if start or update.patch.whole is None else None)
    measured = {"probes": folder.load(PROBES)} if state.get("probes", 1) > 1 else {}
    run.journal.add(
        EventKind.UPDATED, trace=state["trace"], step=name, hypothesis=update.hypothesis.model_dump(mode="json"),
        patch={"edits": len(update.patch.edits), "whole": update.patch.whole is not None,
               "share_changed": round(share_changed(old, update.solution.script), 3)}, **measured,
    )  # fmt: skip
    return {"next": "execute"}
