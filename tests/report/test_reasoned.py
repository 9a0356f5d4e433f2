from typing import Any

import pytest

from gome_graph.records import Event, EventKind, StepId
from gome_graph.report.reasoned import sentence
from gome_graph.report.story import fold
from gome_graph.report.words import line_of


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            {"what": "fallback", "at": "code", "text": "no script that runs after 5 tries", "to": "rules", "rests": 1},
            "the rules did this step, for the model failed to write a script that runs: no script that runs after 5 tries; "
            "the model rests for 1 further step",
        ),
        ({"what": "coded", "rounds": 1, "faults": [], "summary": "fewer leaves."}, "written at the first try: fewer leaves"),
        ({"what": "coded", "rounds": 3, "faults": ["anchor", "name"], "summary": ""}, "written in 3 rounds, after anchor, name"),
        ({"what": "chosen", "action": "modify", "proposals": 3, "reason": "it gained"}, "modified among 3 proposals: it gained"),
        (
            {"what": "dropped", "references": [f"a.{n}" for n in range(7)]},
            "evidence that does not resolve was dropped: a.0, a.1, a.2, a.3, a.4 and 2 more",
        ),
        ({"what": "dropped", "hypotheses": ["Blend"]}, "hypotheses that were tried before were dropped: Blend"),
    ],
)
def test_events_are_told_in_sentences(data: dict[str, Any], says: str) -> None:
    assert sentence(data) == says


def test_the_story_of_a_step_says_that_the_rules_did_it() -> None:
    data = {"what": "fallback", "at": "diagnose", "text": "nobody answers", "to": "rules", "rests": 0}
    event = Event(n=0, kind=EventKind.REASONED, trace=0, step=StepId("t0-1"), at="", elapsed=1.0, data=data)
    (step,) = fold([event, event]).steps
    assert step.reasoned == ["the rules did this step, for the model failed to diagnose: nobody answers"]


def test_a_fallback_is_told_while_the_run_goes_on_and_a_first_try_is_not() -> None:
    def event(**data: Any) -> Event:
        return Event(n=0, kind=EventKind.REASONED, trace=0, step=StepId("t0-1"), at="", elapsed=1.0, data=data)

    fallback, coded = event(what="fallback", at="draft", text="gone"), event(what="coded", rounds=1)
    assert line_of(fold([fallback]), fallback) == "t0-1 the rules did this step, for the model failed to draft: gone"
    assert line_of(fold([coded]), coded) == ""
