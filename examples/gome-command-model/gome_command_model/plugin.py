"""A language model behind a program: the request goes in as JSON on standard input, the answer comes out as text.

``gome run TASK --reasoner llm --model command:./answer.sh`` asks ``./answer.sh`` each time. Retries, caps, checks of the answer and the
record are gome's business; a backend only sends one request and gives one reply or one `Failure`.
"""

import json
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from gome_graph import Failure, FailureKind, Offer, PluginError, Reply, Request, hookimpl

LONGEST_WORDS = 300
"""Characters of what the program said when it failed."""


class CommandBackend:
    """Asks one program. Thread-safe: each request is a process of its own.

    Parameters
    ----------
    program
        Path of an executable file.
    """

    patient = False
    """An answer may not take longer than a request does."""

    def __init__(self, program: Path) -> None:
        self.name = f"command:{program}"
        self._program = program

    def complete(self, request: Request) -> Reply:
        """One request, one reply; what goes wrong is sorted by what is to be done about it."""
        asked = json.dumps({
            "system": request.system, "turns": [{"speaker": turn.speaker, "text": turn.text} for turn in request.turns],
            "schema": request.schema, "role": request.role.value,
        })  # fmt: skip
        begin = time.monotonic()
        try:
            done = subprocess.run([str(self._program)], input=asked, capture_output=True, text=True, timeout=request.timeout, check=False)
        except subprocess.TimeoutExpired:
            raise Failure(FailureKind.TIMED_OUT, f"{self._program} took longer than {request.timeout:.0f} s") from None
        except OSError as error:
            raise Failure(FailureKind.FORBIDDEN, f"{self._program} cannot be run: {error}") from None
        if done.returncode:
            raise Failure(FailureKind.BROKEN, f"{self._program} ended with {done.returncode}: {done.stderr.strip()[-LONGEST_WORDS:]}")
        return Reply(text=done.stdout, seconds=time.monotonic() - begin)


def _open(*, model: str, base_url: str | None = None) -> CommandBackend:
    program = Path(model).expanduser().absolute()
    if not program.is_file():
        raise PluginError(f"command:{model} names no file; write command:./answer.sh for a program that can be run")
    return CommandBackend(program)


@hookimpl
def gome_chat_model() -> Iterable[Offer]:
    """Offer ``command``."""
    yield Offer("command", _open, "command:PROGRAM, a program that reads the request as JSON and prints the answer")
