"""Models over a real OpenAI-compatible server that misbehaves, through the real langchain-openai."""

import json
import time

import pytest

from gome_graph.models import CapReached, InvalidAnswer, ModelUnavailable, Role
from gome_graph.models.session import ModelSession
from tests.models.conftest import GOOD, Cause, Run, ask
from tests.models.server import Act, Body, method_of, say, serving

MODEL = "openai:tiny"


def ask_on(session: ModelSession) -> None:
    for _ in range(30):
        session.ask(ask())


def test_a_good_answer_is_validated_counted_and_journalled(run: Run) -> None:
    with serving([say(GOOD, usage=(120, 30))]) as server:
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert answer.value == Cause.model_validate(GOOD)
    assert (answer.tokens_in, answer.tokens_out, answer.tries, answer.repaired, answer.cost) == (120, 30, 1, False, None)
    (event,) = run.of("answered")
    assert (event["role"], event["model"], event["step"]) == ("diagnose", MODEL, "t0-1")
    body = server.seen[0]
    assert method_of(body) == "json_schema"
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert sorted(schema["schema"]["required"]) == ["cause", "confidence", "notes", "part"]
    assert [m["role"] for m in body["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (Act(status=429, headers={"Retry-After": "0.2"}), "rate_limited"),
        (Act(status=500), "overloaded"),
        (Act(status=503), "overloaded"),
        (Act(cut=True, text="x" * 2000), "disconnected"),
        (Act(raw=b"<html>bad gateway</html>"), "overloaded"),
        (Act(refusal="I would rather not."), "refused"),
        (Act(finish="content_filter"), "refused"),
    ],
    ids=["429", "500", "503", "cut", "html", "refusal", "filter"],
)  # fmt: skip
def test_what_passes_is_tried_again(run: Run, act: Act, problem: str) -> None:
    with serving([act, say(GOOD)]) as server:
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert answer.tries == 2
    assert run.problems == [problem]
    assert len(server.seen) == 2
    assert "tried again in" in run.of("model_trouble")[0]["then"]


def test_the_server_says_how_long_to_wait(run: Run) -> None:
    with serving([Act(status=429, headers={"Retry-After": "0.7"}), say(GOOD)]) as server:
        start = time.monotonic()
        run.open(MODEL, base_url=server.url).ask(ask())
    assert time.monotonic() - start >= 0.7


def test_a_wait_that_the_budget_does_not_leave_is_not_waited(run: Run) -> None:
    run.seconds = 40.0
    with serving([Act(status=429, headers={"Retry-After": "3600"})]) as server:
        start = time.monotonic()
        with pytest.raises(ModelUnavailable, match="budget"):
            run.open(MODEL, base_url=server.url).ask(ask())
    assert time.monotonic() - start < 5
    assert run.problems == ["rate_limited", "out_of_time"]


def test_a_server_that_hangs_is_left_and_asked_again(run: Run) -> None:
    run.seconds = 20.0  # a request may take 3 s of the ask's 5 s
    with serving([Act(hang=60), say(GOOD)]) as server:
        start = time.monotonic()
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert answer.tries == 2
    assert run.problems == ["timed_out"]
    assert time.monotonic() - start < 8


def test_a_reply_that_drips_for_ever_ends(run: Run) -> None:
    run.seconds = 20.0
    with serving([Act(drip=True), say(GOOD)]) as server:
        start = time.monotonic()
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert answer.tries == 2
    assert run.problems == ["timed_out"]
    assert time.monotonic() - start < 8


def test_endless_text_is_cut_off_at_the_wire(run: Run) -> None:
    with serving([Act(raw=b'{"choices": "' + b"x" * (9 << 20)), say(GOOD)]) as server:
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert answer.tries == 2
    assert run.problems == ["disconnected"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I think the model is too shallow.", "no JSON object"),
        ('{"cause": "too shallow", "part": ', "no JSON object"),
        (json.dumps({"cause": "too shallow"}), "confidence"),
        (json.dumps({**GOOD, "part": "weather"}), "part"),
    ],
    ids=["prose", "half", "missing", "enum"],
)  # fmt: skip
def test_a_wrong_answer_is_asked_for_again_with_what_is_wrong(run: Run, text: str, words: str) -> None:
    with serving([Act(text=text), say(GOOD)]) as server:
        session = run.open(MODEL, base_url=server.url)
        answer = session.ask(ask())
    assert answer.tries == 2
    assert answer.repaired
    told = server.seen[1]["messages"]
    assert [m["role"] for m in told] == ["system", "user", "assistant", "user"]
    assert told[2]["content"] == text
    assert words in told[3]["content"]
    assert session.validity() == 0.0


def test_an_answer_that_was_cut_off_is_asked_for_again_shorter(run: Run) -> None:
    with serving([Act(text='{"cause": "too sh', finish="length", usage=(100, 500)), say(GOOD)]) as server:
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert (answer.tries, answer.tokens_out) == (2, 520)
    assert run.problems == ["truncated"]
    told = server.seen[1]["messages"]
    assert [m["role"] for m in told] == ["system", "user"]
    assert "cut off" in told[1]["content"]


def test_values_beyond_their_bounds_are_moved_there(run: Run) -> None:
    with serving([say({**GOOD, "confidence": 7, "part": "Model", "notes": ["a", "b", "c", "d"], "extra": 1})]) as server:
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert answer.tries == 1
    assert answer.repaired
    assert (answer.value.confidence, answer.value.part, answer.value.notes) == (1.0, "model", ["a", "b", "c"])


def test_nonsense_without_end_is_an_error_with_the_last_text(run: Run) -> None:
    with serving([Act(text="no")]) as server, pytest.raises(InvalidAnswer) as error:
        run.open(MODEL, base_url=server.url).ask(ask())
    assert error.value.text == "no"
    assert len(server.seen) == 3
    assert [event["then"] for event in run.of("model_trouble")] == ["asked again", "asked again", "given up"]


def test_a_server_without_json_schema_is_asked_by_tool_then_json_mode_then_words(run: Run) -> None:
    refused = {"json_schema": "response_format json_schema is not supported", "function_calling": "tools are not supported",
               "json_mode": "response_format is unknown"}  # fmt: skip

    def script(body: Body, number: int) -> Act:
        method = method_of(body)
        return Act(status=400, error=refused[method]) if method in refused else Act(f"Sure!\n```json\n{json.dumps(GOOD)}\n```\nDone.")

    with serving(script) as server:
        session = run.open(MODEL, base_url=server.url)
        first, second = session.ask(ask()), session.ask(ask("And now?"))
    assert [method_of(body) for body in server.seen] == ["json_schema", "function_calling", "json_mode", "words", "words"]
    assert first.value == second.value == Cause.model_validate(GOOD)
    assert not first.repaired
    assert "JSON schema" in server.seen[-1]["messages"][0]["content"]
    assert run.problems == []


def test_an_answer_by_tool_call_is_read(run: Run) -> None:
    def script(body: Body, number: int) -> Act:
        return Act(status=400, error="json_schema is not supported") if method_of(body) == "json_schema" else say(GOOD, as_tool=True)

    with serving(script) as server:
        answer = run.open(MODEL, base_url=server.url).ask(ask())
    assert answer.value.cause == "too shallow"
    assert method_of(server.seen[-1]) == "function_calling"


def test_a_wrong_key_is_tried_once_for_the_whole_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789abcdef")
    with serving([Act(status=401, error="Incorrect API key provided: sk-planted-0123456789abcdef")]) as server:
        session = run.open(MODEL, base_url=server.url)
        for _ in range(3):
            with pytest.raises(ModelUnavailable):
                session.ask(ask())
    assert len(server.seen) == 1
    assert server.keys == ["Bearer sk-planted-0123456789abcdef"]
    (event,) = run.of("model_trouble")
    assert event["then"] == "not asked again in this run"
    assert "planted" not in str(run.events)
    assert "planted" not in "".join(path.read_text() for path in run.folder.iterdir())


def test_a_dead_server_costs_little_after_a_while(run: Run) -> None:
    with serving([Act(status=500)]) as server:
        session = run.open(MODEL, base_url=server.url)
        for _ in range(6):
            with pytest.raises(ModelUnavailable):
                session.ask(ask())
        asked = len(server.seen)
    assert asked == 5 * 3  # five tries each, for the first, the second and the fifth ask: two in a row lost, two left out


def test_the_fallback_answers_where_the_first_choice_fails(run: Run) -> None:
    def script(body: Body, number: int) -> Act:
        return Act(status=404, error="The model does not exist") if body["model"] == "big" else say(GOOD)

    with serving(script) as server:
        answer = run.open("openai:big", base_url=server.url, fallback=["openai:small"]).ask(ask())
    assert answer.model == "openai:small"
    assert [event["model"] for event in run.of("model_trouble")] == ["openai:big"]


def test_each_role_has_its_model(run: Run) -> None:
    with serving([say(GOOD)]) as server:
        session = run.open("openai:a", "code=openai:b", base_url=server.url)
        session.ask(ask(role=Role.DIAGNOSE))
        session.ask(ask(role=Role.CODE))
    assert [body["model"] for body in server.seen] == ["a", "b"]


def test_the_cap_on_tokens_is_never_passed(run: Run) -> None:
    def script(body: Body, number: int) -> Act:
        return say(GOOD, usage=(200, min(900, body["max_completion_tokens"])))

    with serving(script) as server:
        session = run.open(MODEL, base_url=server.url, max_tokens=6000)
        with pytest.raises(CapReached, match="of 6,000 tokens"):
            ask_on(session)
    assert 3000 < session.ledger.tokens <= 6000
    assert all(body["max_completion_tokens"] <= 6000 for body in server.seen)


def test_the_cap_on_money_is_never_passed(run: Run) -> None:
    prices = run.folder.parent / "prices.toml"
    prices.write_text('[prices]\n"openai:tiny" = { in = 10.0, out = 100.0 }\n')

    def script(body: Body, number: int) -> Act:
        return say(GOOD, usage=(200, min(900, body["max_completion_tokens"])))

    with serving(script) as server:
        session = run.open(MODEL, base_url=server.url, max_cost=0.4, prices=prices)
        answer = session.ask(ask())
        assert answer.cost == pytest.approx(200 * 10e-6 + 900 * 100e-6)
        with pytest.raises(CapReached, match="\\$"):
            ask_on(session)
    assert 0.2 < session.ledger.cost <= 0.4


def test_a_request_that_was_lost_on_the_way_counts_towards_the_cap(run: Run) -> None:
    run.seconds = 20.0
    with serving([Act(cut=True, text="x" * 500), say(GOOD, usage=(200, 50))]) as server:
        session = run.open(MODEL, base_url=server.url, max_tokens=9000)
        session.ask(ask())
        total = session.summary()["total"]
        again = run.open(MODEL, base_url=server.url, max_tokens=9000)
    assert (total["tokens_in"], total["tokens_out"]) == (200, 50)
    assert total["lost_tokens"] > 200
    assert session.ledger.tokens == 250 + total["lost_tokens"]
    assert again.summary()["total"]["lost_tokens"] > 50


def test_stopping_the_run_ends_a_wait(run: Run) -> None:
    with serving([Act(hang=30)]) as server:
        session = run.open(MODEL, base_url=server.url)
        run.stop = True
        start = time.monotonic()
        with pytest.raises(ModelUnavailable, match="stopped"):
            session.ask(ask())
    assert time.monotonic() - start < 3
