"""Real programs answer, fail and dawdle."""

import json
from pathlib import Path

import pytest

from gome_command_model import plugin
from gome_graph import Backend, Failure, FailureKind, PluginError, Request, Role
from gome_graph.hooks.manager import Plugins


def program(folder: Path, text: str) -> Path:
    path = folder / "answer.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def request(timeout: float = 20.0) -> Request:
    return Request(
        run="r", key="t0-0.diagnose", role=Role.DIAGNOSE, trace=0, step=0, template="diagnose", system="be brief", turns=(),
        schema_name="Answer", schema={"type": "object"}, timeout=timeout,
    )  # fmt: skip


def model(path: Path) -> Backend:
    plugins = Plugins()
    plugins.add(plugin, "command-model")
    made = plugins.make("chat_model", "command", model=str(path))
    assert isinstance(made, Backend)
    return made


def test_the_program_reads_the_request_and_its_words_are_the_answer(tmp_path: Path) -> None:
    answer = model(program(tmp_path, "cat")).complete(request())
    assert json.loads(answer.text) == {"system": "be brief", "turns": [], "schema": {"type": "object"}, "role": "diagnose"}
    assert answer.seconds > 0


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [("echo no model loaded >&2; exit 3", FailureKind.BROKEN, "ended with 3: no model loaded"),
     ("exec sleep 30", FailureKind.TIMED_OUT, "longer than 1 s")],
)  # fmt: skip
def test_failures_are_sorted_by_what_is_to_be_done(tmp_path: Path, text: str, kind: FailureKind, words: str) -> None:
    with pytest.raises(Failure) as failed:
        model(program(tmp_path, text)).complete(request(timeout=1.0))
    assert failed.value.kind is kind
    assert words in failed.value.detail


def test_what_cannot_be_run_is_not_asked_again(tmp_path: Path) -> None:
    path = program(tmp_path, "cat")
    path.chmod(0o644)
    with pytest.raises(Failure) as failed:
        model(path).complete(request())
    assert failed.value.kind is FailureKind.FORBIDDEN


def test_a_program_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="names no file"):
        model(tmp_path / "nothing")
