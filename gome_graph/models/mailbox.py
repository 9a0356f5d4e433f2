"""A folder as a model: requests are files to read, answers are files to write. For people with a chat window, and for other agents.

::

    DIR/<name>.request.md     the prompt and the schema of the answer, to read or to paste
    DIR/<name>.request.json   the same for machines; written last: once it is there, the request is complete
    DIR/<name>.answer.json    the answer; whoever writes it should do so in one move (``gome mailbox answer`` does)

A request keeps its name when its run is killed and resumed, so an answer that was written in the meantime is found.
"""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_graph.models.backend import Failure, FailureKind, Reply, Request
from gome_graph.records import Seconds
from gome_graph.support.files import write_json, write_text

POLL: Seconds = 0.2
SETTLE: Seconds = 2.0
"""An answer that is no JSON is taken as it is once it has not changed for so long: until then it may be half written."""

REQUEST, PROMPT, ANSWER = ".request.json", ".request.md", ".answer.json"
VERSION = 1


@dataclass(frozen=True)
class Letter:
    """One request in the folder."""

    name: str
    answered: bool
    at: float
    """When it was written, seconds since the epoch."""
    body: dict[str, Any]
    """v, name, role, template, system, turns, schema."""


class Mailbox:
    """The folder, as both sides see it.

    Parameters
    ----------
    folder
        Need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def letters(self) -> list[Letter]:
        """All requests, oldest first; broken files are left out."""
        found = []
        for path in self.folder.glob(f"*{REQUEST}"):
            try:
                body, at = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
            except (OSError, ValueError):
                continue
            name = path.name.removesuffix(REQUEST)
            found.append(Letter(name, self.answer_path(name).exists(), at, body))
        return sorted(found, key=lambda letter: (letter.at, letter.name))

    def letter(self, name: str) -> Letter:
        """One request; any unambiguous beginning of its name will do.

        Raises
        ------
        TaskError
            If there is none, or more than one.
        """
        name = name.removesuffix(REQUEST).removesuffix(PROMPT)
        letters = self.letters()
        exact = [letter for letter in letters if letter.name == name]
        fitting = exact or [letter for letter in letters if letter.name.startswith(name)]
        if len(fitting) == 1:
            return fitting[0]
        names = ", ".join(letter.name for letter in (fitting or letters)[:8]) or "none"
        what = "more than one request begins with" if fitting else "no request is called"
        raise TaskError(f"{self.folder}: {what} {name!r}; there are: {names}")

    def prompt_path(self, name: str) -> Path:
        """The readable file of a request."""
        return self.folder / f"{name}{PROMPT}"

    def request_path(self, name: str) -> Path:
        """The machine's file of a request."""
        return self.folder / f"{name}{REQUEST}"

    def answer_path(self, name: str) -> Path:
        """Where its answer belongs."""
        return self.folder / f"{name}{ANSWER}"

    def answer(self, name: str, text: str) -> None:
        """Write an answer in one move."""
        write_text(self.answer_path(name), text)

    def post(self, name: str, body: dict[str, Any]) -> None:
        """Write a request, unless it is there already."""
        if self.request_path(name).exists():
            return
        write_text(self.prompt_path(name), render(body, self.answer_path(name)))
        write_json(self.request_path(name), body)

    def withdraw(self, name: str) -> None:
        """Take a request away that nobody waits for any more."""
        for path in (self.request_path(name), self.prompt_path(name)):
            path.unlink(missing_ok=True)


class MailboxBackend:
    """Posts each request and waits for the answer, as long as the budget lasts.

    Parameters
    ----------
    folder
        The mailbox; several runs may share one.
    """

    patient = True

    def __init__(self, folder: Path) -> None:
        self.name = f"mailbox:{folder}"
        self._box = Mailbox(folder)

    def complete(self, request: Request) -> Reply:
        """See `Backend.complete`."""
        name = re.sub(r"[^A-Za-z0-9@._-]", "-", f"{request.run}-{request.key}" if request.run else request.key)
        try:
            self._box.post(name, letter_body(name, request))
            return Reply(self._wait(name, request))
        except OSError as error:
            raise Failure(FailureKind.FORBIDDEN, f"the mailbox {self._box.folder} cannot be used ({error.strerror or error})") from None
        except Failure:
            self._box.withdraw(name)
            raise

    def _wait(self, name: str, request: Request) -> str:
        until = time.monotonic() + request.timeout
        path = self._box.answer_path(name)
        while True:
            text = _settled(path)
            if text is not None:
                return text
            if request.stopped():
                raise Failure(FailureKind.STOPPED, "the run is being stopped")
            if time.monotonic() > until:
                raise Failure(FailureKind.OUT_OF_TIME, f"nobody answered {name} within {request.timeout:.0f} s")
            time.sleep(POLL)


def letter_body(name: str, request: Request) -> dict[str, Any]:
    """What the machine's file holds."""
    return {
        "v": VERSION, "name": name, "role": request.role.value, "template": request.template, "trace": request.trace, "step": request.step,
        "system": request.system, "turns": [{"speaker": turn.speaker, "text": turn.text} for turn in request.turns],
        "schema_name": request.schema_name, "schema": request.schema,
    }  # fmt: skip


def render(body: dict[str, Any], answer: Path) -> str:
    """A request as a page that can be read, or pasted into a chat window as it is."""
    parts = [body["system"]]
    for turn in body["turns"]:
        parts.append(turn["text"] if turn["speaker"] == "user" else f"(Your earlier answer was:)\n\n{turn['text']}")
    parts.append(
        f"Answer with one JSON object that fits this schema ({body['schema_name']}), and nothing else:\n\n"
        f"```json\n{json.dumps(body['schema'], indent=1, ensure_ascii=False)}\n```"
    )
    where = f"<!-- {body['role']}, trace {body['trace']}, step {body['step']}. The answer goes to {answer} -->"
    return "\n\n".join([where, *parts]) + "\n"


def _settled(path: Path) -> str | None:
    """The text of an answer that is all there."""
    try:
        text, changed = path.read_text(encoding="utf-8", errors="replace"), path.stat().st_mtime
    except FileNotFoundError:
        return None
    if not text.strip():
        return None
    try:
        json.loads(text)
    except ValueError:
        return text if time.time() - changed > SETTLE else None
    return text
