"""``gome mailbox``, on a folder that a real backend has posted to."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gome_graph.models import Failure, Reply, Request, Role, Turn
from gome_graph.models.mailbox import Mailbox, MailboxBackend

SCHEMA = {
    "title": "Cause", "type": "object", "additionalProperties": False, "required": ["cause"],
    "properties": {"cause": {"type": "string", "minLength": 1}},
}  # fmt: skip


class Waiting:
    """Requests that wait in threads, as traces do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stop = threading.Event()
        self.replies: dict[str, Reply | Failure] = {}
        self.threads: dict[str, threading.Thread] = {}

    def post(self, key: str) -> None:
        request = Request(
            run="3f2a1c", key=key, role=Role.DIAGNOSE, trace=0, step=1, template="diagnose@0", system="You are careful.",
            turns=(Turn("user", "What limits the score?"),), schema_name="Cause", schema=SCHEMA, timeout=60.0, stopped=self.stop.is_set,
        )  # fmt: skip
        thread = threading.Thread(target=self._wait, args=(request,), daemon=True)
        self.threads[key] = thread
        thread.start()
        while not Mailbox(self.folder).request_path(f"3f2a1c-{key}").exists():
            thread.join(0.02)

    def _wait(self, request: Request) -> None:
        try:
            self.replies[request.key] = MailboxBackend(self.folder).complete(request)
        except Failure as failure:
            self.replies[request.key] = failure

    def reply(self, key: str) -> Reply | Failure:
        self.threads[key].join(10)
        return self.replies[key]


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    runs = Waiting(tmp_path / "letters")
    yield runs
    runs.stop.set()


Gome = Callable[..., Any]


def test_requests_are_listed_shown_and_answered(gome: Gome, waiting: Waiting, tmp_path: Path) -> None:
    waiting.post("t0-1.diagnose.1")
    waiting.post("t1-1.diagnose.1")
    rows = json.loads(gome("mailbox", "list", "letters", "--json").out)
    assert [(row["name"], row["role"], row["answered"]) for row in rows] == [
        ("3f2a1c-t0-1.diagnose.1", "diagnose", False), ("3f2a1c-t1-1.diagnose.1", "diagnose", False),
    ]  # fmt: skip
    shown = gome("mailbox", "show", "letters").out
    assert "You are careful." in shown
    assert "What limits the score?" in shown
    assert '"minLength": 1' in shown
    (tmp_path / "answer.md").write_text('Of course:\n```json\n{"cause": "too shallow"}\n```\n')
    said = gome("mailbox", "answer", "letters", "3f2a1c-t0", "answer.md")
    assert (said.code, said.err) == (0, "")
    reply = waiting.reply("t0-1.diagnose.1")
    assert isinstance(reply, Reply)
    assert json.loads(reply.text) == {"cause": "too shallow"}
    assert [row["name"] for row in json.loads(gome("mailbox", "list", "letters", "--json").out)] == ["3f2a1c-t1-1.diagnose.1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"cause": ""}', "does not fit at cause"), ('{"why": 1}', "does not fit at Cause"), ("no idea", "no JSON object")],
)
def test_an_answer_that_does_not_fit_is_refused_in_one_sentence(
    gome: Gome, waiting: Waiting, tmp_path: Path, text: str, words: str
) -> None:
    waiting.post("t0-1.diagnose.1")
    (tmp_path / "answer.json").write_text(text)
    said = gome("mailbox", "answer", "letters", "3f2a1c", "answer.json")
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not list((tmp_path / "letters").glob("*.answer.json"))


def test_a_second_answer_needs_force(gome: Gome, waiting: Waiting, tmp_path: Path) -> None:
    waiting.post("t0-1.diagnose.1")
    (tmp_path / "answer.json").write_text('{"cause": "a"}')
    assert gome("mailbox", "answer", "letters", "3f2a1c", "answer.json").code == 0
    said = gome("mailbox", "answer", "letters", "3f2a1c", "answer.json")
    assert (said.code, "--force" in said.err) == (2, True)


def test_a_name_that_fits_none_or_two_is_told(gome: Gome, waiting: Waiting) -> None:
    waiting.post("t0-1.diagnose.1")
    waiting.post("t0-2.diagnose.1")
    for name, words in (("zzz", "no request is called"), ("3f2a1c", "more than one request")):
        said = gome("mailbox", "show", "letters", name)
        assert said.code == 2
        assert words in said.err
        assert "3f2a1c-t0-2.diagnose.1" in said.err


def test_a_folder_that_is_not_there_is_told(gome: Gome) -> None:
    said = gome("mailbox", "list", "nowhere")
    assert said.code == 2
    assert "--model mailbox:nowhere" in said.err


def test_a_request_nobody_waits_for_any_more_is_taken_away(waiting: Waiting) -> None:
    waiting.post("t0-1.diagnose.1")
    waiting.stop.set()
    assert isinstance(waiting.reply("t0-1.diagnose.1"), Failure)
    assert Mailbox(waiting.folder).letters() == []


@pytest.mark.parametrize("command", ["list", "show", "answer"])
def test_each_command_has_an_example(gome: Gome, command: str) -> None:
    said = gome("mailbox", command, "--help")
    assert said.code == 0
    assert f"Example: gome mailbox {command}" in said.out
