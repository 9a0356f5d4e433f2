"""The drawing. Nothing but wiring: what each node does is in `gome_graph.graph.nodes`.

::

    run:    prepare -> spread ==Send==> trace (N in parallel) -> finalise -> END
    trace:  draft -> execute -> validate -> remember -> diagnose -> recall -> update -> execute ...
                                                     '-> draft (new root) or leave
            diagnose, update -> choose (the step that the strategy named had nothing left to try) -> diagnose, draft or leave
"""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore
from langgraph.types import Send

from gome_graph.graph.guard import contained
from gome_graph.graph.nodes.diagnose import diagnose_node
from gome_graph.graph.nodes.draft import draft_node
from gome_graph.graph.nodes.execute import execute_node
from gome_graph.graph.nodes.finalise import finalise_node
from gome_graph.graph.nodes.leave import leave_node
from gome_graph.graph.nodes.prepare import prepare_node
from gome_graph.graph.nodes.recall import recall_node
from gome_graph.graph.nodes.remember import choose_node, next_move, remember_node, stand
from gome_graph.graph.nodes.update import update_node
from gome_graph.graph.nodes.validate import validate_node
from gome_graph.graph.services import services
from gome_graph.graph.state import RunState, TraceOutput, TraceState


def build_trace() -> CompiledStateGraph[TraceState, None, TraceState, TraceOutput]:
    """One trace with its own loop. Compiled without a checkpointer: it uses the run's."""
    graph = StateGraph(TraceState, output_schema=TraceOutput)
    graph.add_node("draft", contained(draft_node))
    graph.add_node("execute", contained(execute_node))
    graph.add_node("validate", contained(validate_node))
    graph.add_node("remember", contained(remember_node))
    graph.add_node("diagnose", contained(diagnose_node))
    graph.add_node("recall", contained(recall_node))
    graph.add_node("update", contained(update_node))
    graph.add_node("choose", contained(choose_node))
    graph.add_node("leave", leave_node)

    graph.add_conditional_edges(START, enter, ["draft", "diagnose", "draft_again", "leave"])
    graph.add_conditional_edges("draft", unless_ended("execute"), ["execute", "leave"])
    graph.add_conditional_edges("execute", unless_ended("validate"), ["validate", "leave"])
    graph.add_conditional_edges("validate", unless_ended("remember"), ["remember", "leave"])
    graph.add_conditional_edges("remember", next_move, ["diagnose", "draft_again", "leave"])
    graph.add_node("draft_again", next_step)
    graph.add_edge("draft_again", "draft")
    graph.add_conditional_edges("choose", next_move, ["diagnose", "draft_again", "leave"])
    graph.add_conditional_edges("diagnose", next_move, ["recall", "choose", "leave"])
    graph.add_conditional_edges("recall", unless_ended("update"), ["update", "leave"])
    graph.add_conditional_edges("update", next_move, ["execute", "choose", "leave"])
    graph.add_edge("leave", END)
    return graph.compile()


def build_run(checkpointer: BaseCheckpointSaver[Any] | None = None, store: BaseStore | None = None) -> CompiledStateGraph[RunState]:
    """The run graph. `finalise` waits for all traces (``defer``); traces never wait for each other."""
    graph = StateGraph(RunState)
    graph.add_node("prepare", prepare_node)
    graph.add_node("trace", build_trace())
    graph.add_node("finalise", finalise_node, defer=True)

    graph.add_edge(START, "prepare")
    graph.add_conditional_edges("prepare", spread, ["trace"])
    graph.add_edge("trace", "finalise")
    graph.add_edge("finalise", END)
    return graph.compile(checkpointer=checkpointer, store=store)


def spread(state: RunState) -> list[Send]:
    """One trace each, in parallel."""
    run = services(state["run_dir"])
    return [Send("trace", stand(run, number)) for number in range(run.settings.traces)]


def enter(state: TraceState) -> str:
    """A new trace begins with a draft; one that was stopped goes on after its last step."""
    return next_move(state) if state.get("latest") else "draft"


def next_step(state: TraceState) -> dict[str, Any]:
    """A new root is a new step."""
    return {"step": state["step"] + 1}


def unless_ended(node: str) -> Any:
    """An edge to `node`, or to ``leave`` once the trace has a reason to end."""

    def edge(state: TraceState) -> str:
        return "leave" if state.get("end") else node

    return edge
