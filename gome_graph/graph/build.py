"""The drawing. Nothing but wiring: what each node does is in `gome_graph.graph.nodes`.

::

    run:    prepare -> spread ==Send==> trace (N in parallel) -> review -> finalise -> END
                                          ^--- further steps ----'
    trace:  draft -> execute -> validate -> remember -> diagnose -> recall -> update -> execute ...
                                                     '-> draft (new root) or leave
            diagnose, update -> choose (the step that the strategy named had nothing left to try) -> diagnose, draft or leave
"""

from collections.abc import Callable
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
from gome_graph.graph.nodes.review import review_node
from gome_graph.graph.nodes.update import update_node
from gome_graph.graph.nodes.validate import validate_node
from gome_graph.graph.services import services
from gome_graph.graph.state import RunInput, RunState, TraceOutput, TraceState
from gome_graph.run import Action, RunChoices

Node = Callable[..., Any]
Wrap = Callable[[Node], Node]


def _as_it_is(node: Node) -> Node:
    return node


def build_trace(wrap: Wrap = _as_it_is) -> CompiledStateGraph[TraceState, RunChoices, TraceState, TraceOutput]:
    """One trace with its own loop. Compiled without a checkpointer: it uses the run's."""
    graph = StateGraph(TraceState, output_schema=TraceOutput, context_schema=RunChoices)
    graph.add_node("draft", wrap(contained(draft_node)))
    graph.add_node("execute", wrap(contained(execute_node)))
    graph.add_node("validate", wrap(contained(validate_node)))
    graph.add_node("remember", wrap(contained(remember_node)))
    graph.add_node("diagnose", wrap(contained(diagnose_node)))
    graph.add_node("recall", wrap(contained(recall_node)))
    graph.add_node("update", wrap(contained(update_node)))
    graph.add_node("choose", wrap(contained(choose_node)))
    graph.add_node("leave", wrap(leave_node))

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


def build_run(
    checkpointer: BaseCheckpointSaver[Any] | None = None, store: BaseStore | None = None, wrap: Wrap = _as_it_is
) -> CompiledStateGraph[RunState, RunChoices, RunInput]:
    """The run graph. `review` waits for all traces (``defer``); traces never wait for each other.

    `wrap` is put around every node: a server keeps what blocks away from its event loop with it.
    """
    graph = StateGraph(RunState, context_schema=RunChoices, input_schema=RunInput)
    graph.add_node("prepare", wrap(prepare_node))
    graph.add_node("trace", build_trace(wrap))
    graph.add_node("review", wrap(review_node), defer=True)
    graph.add_node("finalise", wrap(finalise_node))

    graph.add_edge(START, "prepare")
    graph.add_conditional_edges("prepare", spread, ["trace"])
    graph.add_edge("trace", "review")
    graph.add_conditional_edges("review", after_review, ["trace", "finalise"])
    graph.add_edge("finalise", END)
    return graph.compile(checkpointer=checkpointer, store=store)


def spread(state: RunState) -> list[Send]:
    """One trace each, in parallel."""
    run = services(state["run_dir"])
    return [Send("trace", stand(run, number)) for number in range(run.settings.traces)]


def after_review(state: RunState) -> str | list[Send]:
    """Traces go on from where they stand, or the run ends."""
    return spread(state) if state.get("action") == Action.CONTINUE else "finalise"


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
