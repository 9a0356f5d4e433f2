"""What draft and update share: writing the next solution down before anything runs."""

from gome_graph.graph.blackboard import Blackboard
from gome_graph.graph.services import RunServices
from gome_graph.graph.state import TraceState
from gome_graph.hooks import Update
from gome_graph.records import EventKind, StepId, TraceId, step_id


def begin_step(run: RunServices, board: Blackboard, state: TraceState, step: int, update: Update, parent: str | None) -> None:
    """Save solution, patch and hypothesis, post them for the siblings, journal the start.

    A step whose solution is on disk already (a crash came after it) is left as it is: what may have run is what counts.
    """
    name = step_id(state["trace"], step)
    folder = run.run.step(name)
    if folder.solution() is None:
        others = merged(run, update.solution.script, parent)
        changes = {"step": name, "trace": TraceId(state["trace"]), "parent": parent, "merged": others}
        solution = update.solution.model_copy(update=changes)
        folder.save("hypothesis", update.hypothesis)
        folder.save("patch", update.patch)
        folder.write_solution(solution)
    saved = folder.solution()
    further = {"merged": saved.merged} if saved is not None and saved.merged else {}
    board.post(state["trace"], steps=step, hypothesis=update.hypothesis, incumbent=state.get("incumbent"))
    run.journal.add(
        EventKind.STEP_STARTED, trace=state["trace"], step=name, parent=parent, family=update.solution.family,
        hypothesis=update.hypothesis.model_dump(mode="json"), **further,
    )  # fmt: skip


def merged(run: RunServices, script: str, parent: str | None) -> list[StepId]:
    """The steps, of any trace, that first fitted a member which this script takes over and its parent had not."""
    above = run.run.step(parent).solution() if parent is not None else None
    borrowed = run.kept.named(script) - (run.kept.named(above.script) if above is not None else set())
    found: list[StepId] = []
    for name in run.run.steps() if borrowed else []:
        theirs = run.run.step(name).solution()
        has = borrowed & run.kept.named(theirs.script) if theirs is not None else set()
        if has:
            found.append(StepId(name))
            borrowed -= has
    return found
