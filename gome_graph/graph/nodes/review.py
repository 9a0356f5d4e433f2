"""review: where all traces have come to rest, and a person may have the word before the result is chosen."""

from typing import Any

from langgraph.errors import GraphInterrupt
from langgraph.types import interrupt
from pydantic import ValidationError

from gome_graph.graph.publish import best_step
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import PAUSED, RunState
from gome_graph.graph.wishes import take_wishes
from gome_graph.records import EventKind, Hypothesis, StepId, VerdictKind
from gome_graph.run import Action, Decision, append_line

SHOWN = 5
"""Steps that the question names, best first; all of them are in the run directory."""


def review_node(state: RunState) -> dict[str, Any]:
    """Go on at once, or interrupt the graph where a pause was asked for or the settings want a review; then do as the answer says.

    While the run waits its parts are closed: no lock is held, and no budget is spent.
    """
    run = services(state["run_dir"])
    take_wishes(run)
    why = _why(run, state)
    if why is None:
        return {"action": Action.FINISH.value}
    if not open_pause(run):
        run.journal.add(EventKind.PAUSED, why=why)
    question = _question(run, why)
    while True:
        try:
            decision = Decision.read(interrupt(question))
        except GraphInterrupt:
            run.close()
            raise
        except ValidationError as error:
            problem = error.errors()[0]
            question = {**question, "problem": f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"}
            continue
        unknown = [wish.step for wish in decision.wishes() if not _has_score(run, wish.step)]
        if not unknown:
            break
        question = {**question, "problem": f"{unknown[0]} is no step with a score"}
    return {"action": decide(run, decision, why).value}


def open_pause(run: RunServices) -> bool:
    """True while the journal's last pause has no answer."""
    kinds = [event.kind for event in run.run.events() if event.kind in (EventKind.PAUSED, EventKind.DECIDED)]
    return bool(kinds) and kinds[-1] is EventKind.PAUSED


def decide(run: RunServices, decision: Decision, why: str = "asked") -> Action:
    """Write the answer down and carry it out."""
    action = decision.action or (Action.CONTINUE if why == "asked" else Action.FINISH)
    for wish in decision.wishes():
        append_line(run.run.wishes_path, wish)
    for hint in decision.hints:
        append_line(run.run.hints_path, hint)
    run.run.pause_path.unlink(missing_ok=True)
    if decision.action is Action.CONTINUE:
        run.run.more_path.touch()
    run.journal.add(
        EventKind.DECIDED, action=action.value, pin=decision.pin, veto=decision.veto, hints=[hint.text for hint in decision.hints]
    )
    take_wishes(run)
    run.tell_hints()
    return action


def _why(run: RunServices, state: RunState) -> str | None:
    if run.stopped():
        return None
    this_round = state["ended"][-run.settings.traces :]
    if run.run.pause_path.exists() or any(ended["reason"] == PAUSED for ended in this_round):
        return "asked"
    if run.settings.review:
        return "review"
    return "asked" if open_pause(run) else None


def _has_score(run: RunServices, name: str) -> bool:
    verdict = run.run.step(name).verdict()
    return verdict is not None and verdict.score is not None and verdict.kind is not VerdictKind.VETOED


def _question(run: RunServices, why: str) -> dict[str, Any]:
    """What a person sees of the run: small, for it lives in the checkpoint."""
    best = best_step(run)
    judged = [(name, verdict) for name in run.run.steps() if (verdict := run.run.step(name).verdict()) is not None and verdict.score]
    if judged and judged[0][1].score:
        judged.sort(key=lambda item: item[1].score.value if item[1].score else 0.0, reverse=judged[0][1].score.higher_is_better)
    return {
        "why": why,
        "run_dir": str(run.run.root),
        "seconds_left": round(run.budget.left(), 1),
        "best": best[0] if best else None,
        "steps": [_line(run, StepId(name)) for name, _ in judged[:SHOWN]],
        "answer": {"action": "continue | finish", "pin": "step to hand out", "veto": ["steps to refuse"], "hints": [{"text": "words"}]},
    }


def _line(run: RunServices, name: StepId) -> dict[str, Any]:
    folder = run.run.step(name)
    verdict, hypothesis = folder.verdict(), folder.load("hypothesis")
    return {
        "step": name,
        "title": Hypothesis.model_validate(hypothesis).title if hypothesis else "",
        "verdict": verdict.kind.value if verdict else "",
        "score": verdict.score.value if verdict and verdict.score else None,
    }
