"""What draft and update share: writing the next solution down before anything runs."""

from gome_graph.graph.blackboard import Blackboard
from gome_graph.graph.services import RunServices
from gome_graph.graph.state import TraceState
from gome_graph.hooks import Update
from gome_graph.records import EventKind, TraceId, step_id


def begin_step(run: RunServices, board: Blackboard, state: TraceState, step: int, update: Update, parent: str | None) -> None:
    """Save solution, patch and hypothesis, post them for the siblings, journal the start.

    A step whose solution is on disk already (a crash came after it) is left as it is: what may have run is what counts.
    """
    name = step_id(state["trace"], step)
    folder = run.run.step(name)
    if folder.solution() is None:
        solution = update.solution.model_copy(update={"step": name, "trace": TraceId(state["trace"]), "parent": parent})
        folder.save("hypothesis", update.hypothesis)
        folder.save("patch", update.patch)
        folder.write_solution(solution)
    board.post(state["trace"], steps=step, hypothesis=update.hypothesis, incumbent=state.get("incumbent"))
    run.journal.add(
        EventKind.STEP_STARTED, trace=state["trace"], step=name, parent=parent, family=update.solution.family,
        hypothesis=update.hypothesis.model_dump(mode="json"),
    )  # fmt: skip
