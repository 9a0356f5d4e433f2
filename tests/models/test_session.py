"""Sessions without a network: resumed, replayed, capped, priced, and silent about keys."""

import json
import threading
from pathlib import Path

import pytest

from gome_graph.errors import PluginError, TaskError
from gome_graph.models import CapReached, InvalidAnswer, ModelUnavailable, Role
from gome_graph.models.ledger import Ledger
from gome_graph.models.names import parse_choice
from gome_graph.models.prices import Price, price_table
from gome_graph.models.recording import read_record
from gome_graph.records import Event, EventKind
from gome_graph.support.secrets import load_keys, redact, without_secrets
from tests.models.conftest import GOOD, Run, ask
from tests.models.server import Act, say, serving


def test_a_resumed_run_pays_for_no_answer_twice(run: Run) -> None:
    with serving([say(GOOD, usage=(100, 20))]) as server:
        first = run.open("openai:tiny", base_url=server.url)
        before = [first.ask(ask(step=step)).value for step in (1, 2)]
        first.close()
        second = run.open("openai:tiny", base_url=server.url)
        assert second.ledger.tokens == 240
        after = [second.ask(ask(step=step)).value for step in (1, 2, 3)]
    assert after[:2] == before
    assert len(server.seen) == 3
    assert second.ledger.tokens == 360


def test_a_resumed_run_finds_its_answers_though_the_cap_is_reached(run: Run) -> None:
    with serving([say(GOOD, usage=(900, 100))]) as server:
        run.open("openai:tiny", base_url=server.url).ask(ask())
        again = run.open("openai:tiny", base_url=server.url, max_tokens=1000)
        assert again.ask(ask()).value.cause == "too shallow"
        with pytest.raises(CapReached):
            again.ask(ask(step=2))
    assert again.summary()["total"]["cost"] is None, "an unknown price is not the same as none"
    assert len(server.seen) == 1


def test_a_torn_line_of_the_record_costs_that_answer_alone(run: Run) -> None:
    with serving([say(GOOD)]) as server:
        first = run.open("openai:tiny", base_url=server.url)
        for step in (1, 2):
            first.ask(ask(step=step))
        first.close()
        record = run.folder / "models.jsonl"
        record.write_bytes(record.read_bytes()[:-40])
        second = run.open("openai:tiny", base_url=server.url)
        for step in (1, 2):
            second.ask(ask(step=step))
    assert len(server.seen) == 3
    assert len(read_record(record)[1]) == 2


def journalled(run: Run) -> list[Event]:
    """What the run has told so far, as the journal holds it."""
    return [
        Event(n=n, kind=e["kind"], trace=e.get("trace"), step=e.get("step"), at="", elapsed=0.0,
              data={key: value for key, value in e.items() if key not in ("kind", "trace", "step")})
        for n, e in enumerate(run.events)
    ]  # fmt: skip


def test_a_resumed_run_judges_answers_as_the_one_that_was_left_alone(run: Run) -> None:
    replies = [say(GOOD), Act(text="no"), say(GOOD), Act(text="no"), Act(text="no"), Act(text="no"), say(GOOD)]
    with serving(replies) as server:
        first = run.open("openai:tiny", base_url=server.url)
        for step in (1, 2):
            first.ask(ask(step=step))
        with pytest.raises(InvalidAnswer):
            first.ask(ask(step=3))
        first.ask(ask(step=4))
        assert first.validity() == 0.5
        first.close()
        second = run.open("openai:tiny", base_url=server.url, told=journalled(run))
        run.tell(EventKind.RESUMED)
        assert second.validity() == 0.5
        assert second.validity(before=(0, 4)) == first.validity(before=(0, 4)) == pytest.approx(1 / 3)
        assert second.validity(before=(1, 1)) == 0.5, "what other traces were answered counts"
        second.ask(ask(step=4))
        assert second.validity() == 0.5, "an answer that is found again counts once"
        third = run.open("openai:tiny", base_url=server.url, told=journalled(run))
        third.ask(ask(step=4))
    assert third.validity() == 0.5
    assert len(server.seen) == 7


def test_what_a_server_fails_to_send_says_nothing_of_a_models_answers(run: Run) -> None:
    with serving([Act(status=429), Act(status=500), say(GOOD)]) as server:
        session = run.open("openai:tiny", base_url=server.url)
        assert session.ask(ask()).tries == 3
    assert session.validity() == 1.0


def test_a_failure_is_not_remembered_by_a_resumed_run(run: Run) -> None:
    with serving([Act(status=404, error="no such model")]) as server:
        session = run.open("openai:tiny", base_url=server.url)
        with pytest.raises(ModelUnavailable):
            session.ask(ask())
        assert session.summary()["validity"] is None, "of no answers nothing is said"
        with pytest.raises(ModelUnavailable):
            run.open("openai:tiny", base_url=server.url).ask(ask())
    assert len(server.seen) == 2


def test_a_replay_plays_failures_fallbacks_and_waits_back(run: Run, tmp_path: Path) -> None:
    script = [Act(status=429, headers={"Retry-After": "1"}), Act(text="no"), Act(text="no"), Act(text="no"), say(GOOD)]
    with serving(script) as server:
        first = run.open("openai:a", base_url=server.url, fallback=["openai:b"], record=tmp_path / "record.jsonl").ask(ask())
    again = Run(tmp_path / "again")
    again.folder.mkdir()
    second = again.open(f"replay:{tmp_path / 'record.jsonl'}").ask(ask())
    assert first.model == "openai:b"
    assert second == first
    assert again.events == run.events


def test_a_replay_says_what_it_does_not_hold(run: Run, tmp_path: Path) -> None:
    with serving([say(GOOD)]) as server:
        run.open("openai:a", base_url=server.url).ask(ask())
    again = Run(tmp_path / "again")
    again.folder.mkdir()
    with pytest.raises(ModelUnavailable, match="holds no answer to t0-9"):
        again.open(f"replay:{run.folder}").ask(ask(step=9))


def test_a_record_of_another_version_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text(json.dumps({"v": 0, "kind": "gome-models", "models": ["openai:a"]}) + "\n")
    with pytest.raises(TaskError, match="version 0"):
        run.open(f"replay:{tmp_path / 'old.jsonl'}")


def test_concurrent_requests_never_pass_a_cap() -> None:
    ledger = Ledger(max_tokens=50_000)
    most = []

    def use() -> None:
        for _ in range(20):
            try:
                with ledger.reserve(3_000, None) as output:
                    assert output is not None
                    ledger.add(Role.CODE, tokens_in=1_000, tokens_out=output, cost=None, prompt_bytes=3_000)
                    most.append(ledger.tokens)
            except CapReached:
                return

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 30_000 < max(most) <= 50_000


def test_prices_are_overridden_by_the_user_and_not_applied_to_other_servers(tmp_path: Path) -> None:
    ours = price_table().price("openai:gpt-5-mini-2025-08-07")
    assert ours is not None
    assert ours.tokens_in < ours.tokens_out
    assert price_table(base_url="http://127.0.0.1:1/v1").price("openai:gpt-5") is None
    assert price_table().price("mailbox:/letters") == Price(0.0, 0.0)
    (tmp_path / "prices.toml").write_text('[prices]\n"openai:gpt-5*" = { in = 1, cached = 0.5, out = 3 }\n')
    mine = price_table(tmp_path / "prices.toml").price("openai:gpt-5-mini")
    assert mine is not None
    assert mine.cost(1_000_000, 1_000_000, 400_000) == pytest.approx(0.6 + 0.2 + 3)


def test_roles_and_fallbacks_make_chains() -> None:
    choice = parse_choice(["openai:a", "code=openai:b", "JUDGE=ollama:c:7b"], ["openai:a", "openai:d"])
    assert choice.chain(Role.CODE) == ["openai:b", "openai:a", "openai:d"]
    assert choice.chain(Role.DIAGNOSE) == ["openai:a", "openai:d"]
    assert choice.chain(Role.JUDGE)[0] == "ollama:c:7b"


def test_keys_come_from_env_files_and_leave_with_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "set-already-0123456789")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    (tmp_path / ".env").write_text(
        "OPENAI_API_KEY=other-0123456789\nANTHROPIC_API_KEY=anthropic-0123456789\nexport SHOP_TOKEN='tok en-0123456789'\n"
    )
    assert load_keys(tmp_path) == ["ANTHROPIC_API_KEY", "SHOP_TOKEN"]
    import os

    assert os.environ["OPENAI_API_KEY"] == "set-already-0123456789"
    text = redact("a set-already-0123456789 b tok en-0123456789 c Bearer abcdefghijklmnopqrstuv d")
    assert text == "a [secret] b [secret] c [secret] d"
    child = without_secrets(dict(os.environ))
    assert not {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "SHOP_TOKEN"} & set(child)
    assert "PATH" in child
    monkeypatch.delenv("SHOP_TOKEN")
    monkeypatch.delenv("ANTHROPIC_API_KEY")


def test_a_missing_key_is_told_before_anything_is_sent(run: Run) -> None:
    from gome_openai.chat import openai_chat

    with pytest.raises(PluginError, match=r"OPENAI_API_KEY into the environment or \.env"):
        openai_chat("gpt-5")
    from gome_openai.chat import azure_chat

    with pytest.raises(PluginError, match="AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, OPENAI_API_VERSION"):
        azure_chat("mine")


def test_azure_is_asked_at_its_deployment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([say(GOOD)]) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url.removesuffix("/v1"))
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-0123456789")
        monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
        from gome_graph.hooks.manager import load_plugins
        from gome_graph.models.backend import Request, Turn
        from gome_graph.models.providers import make_backend
        from gome_graph.models.schemas import answer_schema
        from gome_openai import plugin
        from tests.models.conftest import Cause

        plugins = load_plugins([])
        plugins.add(plugin, "openai")
        backend = make_backend("azure:mine", plugins)
        reply = backend.complete(
            Request(run="r", key="k", role=Role.CODE, trace=0, step=1, template="t", system="s", turns=(Turn("user", "u"),),
                    schema_name="Cause", schema=answer_schema(Cause), timeout=30.0)
        )  # fmt: skip
    assert json.loads(reply.text) == GOOD
    assert "/deployments/mine/chat/completions" in server.paths[0]
