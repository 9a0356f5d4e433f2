"""Every backend keeps the contract: a chat model over HTTP, a mailbox, a replay."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gome_graph.models import Backend, ChatBackend, Reply
from gome_graph.models.mailbox import Mailbox, MailboxBackend
from gome_graph.models.recording import Past, ReplayBackend, exchange
from gome_graph.testing.backends import BackendContract, request
from tests.models.server import Act, Body, serving


class TestChat(BackendContract):
    @pytest.fixture(autouse=True)
    def servers(self) -> Iterator[None]:
        with ExitStack() as self.stack:
            yield

    def make(self, answers: list[str]) -> Backend:
        from gome_openai.chat import openai_chat

        def script(body: Body, number: int) -> Act:
            return Act(answers[number]) if number < len(answers) else Act(hang=60)

        backend = openai_chat("tiny", self.stack.enter_context(serving(script)).url)
        assert isinstance(backend, ChatBackend)
        return backend


class TestMailbox(BackendContract):
    @pytest.fixture(autouse=True)
    def clerk(self, tmp_path: Path) -> Iterator[None]:
        self.folder, self.over = tmp_path / "letters", threading.Event()
        yield
        self.over.set()

    def make(self, answers: list[str]) -> Backend:
        waiting, box = list(answers), Mailbox(self.folder)

        def work() -> None:
            while not self.over.wait(0.02):
                for letter in box.letters():
                    if waiting and not letter.answered:
                        box.answer(letter.name, waiting.pop(0))

        threading.Thread(target=work, daemon=True).start()
        return MailboxBackend(self.folder)


class TestReplay(BackendContract):
    def make(self, answers: list[str]) -> Backend:
        first = 0 if len(answers) > 1 else 1
        lines = [exchange(request(first + n), "openai:tiny", Reply(text), None) for n, text in enumerate(answers)]
        return ReplayBackend("openai:tiny", Past(lines))
