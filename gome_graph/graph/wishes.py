"""Carries out what a person wished for a run's steps: pins and vetoes, between steps, each journalled once."""

import threading

from gome_graph.graph.experience import experience_of
from gome_graph.graph.publish import republish
from gome_graph.graph.services import RunServices
from gome_graph.records import EventKind, StepId, TraceId, Verdict, VerdictKind
from gome_graph.run import Wish, WishKind, read_wishes

_taking = threading.Lock()


def take_wishes(run: RunServices) -> None:
    """Carry out the wishes that came since the last call; steps that were built on a vetoed one meanwhile are vetoed with it."""
    if not run.run.wishes_path.exists():
        return
    with _taking:
        done = 1 + max((event.data["wish"] for event in run.run.events() if "wish" in event.data), default=-1)
        for number, wish in enumerate(read_wishes(run.run.wishes_path)[done:], start=done):
            verdict = run.run.step(wish.step).verdict()
            if verdict is None or verdict.score is None:
                run.journal.add(EventKind.WARNING, text=f"cannot {wish.kind.value} {wish.step}: no such step has a score", wish=number)
            elif wish.kind is WishKind.PIN:
                run.journal.add(EventKind.PINNED, step=StepId(wish.step), wish=number, reason=wish.reason)
            else:
                _veto(run, wish.step, verdict, _words(wish), wish=number)
        _veto_descendants(run)


def pinned(run: RunServices) -> StepId | None:
    """The step that the last pin names, unless it was vetoed."""
    steps = [event.step for event in run.run.events() if event.kind is EventKind.PINNED and event.step]
    verdict = run.run.step(steps[-1]).verdict() if steps else None
    return None if verdict is None or verdict.kind is VerdictKind.VETOED else steps[-1]


def _words(wish: Wish) -> str:
    return "vetoed by the user" + (f": {wish.reason}" if wish.reason else "")


def _veto(run: RunServices, name: str, verdict: Verdict, reason: str, **data: int) -> None:
    """Change the verdict on disk, which is what traces and finalise go by; then what rests on it: memory and the published files."""
    if verdict.kind is not VerdictKind.VETOED:
        verdict = verdict.model_copy(update={"kind": VerdictKind.VETOED, "reason": reason})
        run.run.step(name).save("verdict", verdict)
    run.memory.remember(experience_of(run, name, verdict))
    run.journal.add(
        EventKind.VETOED, trace=TraceId(int(name[1:].split("-")[0])), step=StepId(name), verdict=verdict.model_dump(mode="json"), **data
    )
    republish(run)


def _veto_descendants(run: RunServices) -> None:
    """A trace may have gone on from a step before it was vetoed."""
    verdicts = {name: verdict for name in run.run.steps() if (verdict := run.run.step(name).verdict()) is not None}
    vetoed = {name for name, verdict in verdicts.items() if verdict.kind is VerdictKind.VETOED}
    for name, verdict in verdicts.items() if vetoed else ():  # steps come in order, so a parent comes before its children
        solution = run.run.step(name).solution()
        if name not in vetoed and verdict.score is not None and solution is not None and solution.parent in vetoed:
            vetoed.add(name)
            _veto(run, name, verdict, f"built on {solution.parent}, which was vetoed")
