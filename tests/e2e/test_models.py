"""Whole runs with a language model behind real wires: recorded and replayed, interrupted and resumed, and leaving no key anywhere."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gome_graph.graph import services, start
from gome_graph.graph.builtins import load
from gome_graph.hooks.manager import Plugins
from gome_graph.models import retrying
from gome_graph.models.mailbox import Letter, Mailbox
from gome_graph.records import EventKind
from gome_graph.run import RunDirectory, RunSettings
from gome_graph.run.timeless import timeless
from gome_graph.task import load_task
from tests.behaviours import small_tasks
from tests.e2e.test_resume import kill_tree, wait_for
from tests.models.clerk import clerk, serve_clerk
from tests.models.server import Act, Body, serving

KEY = "sk-planted-7f3a9c1e5b2d4f60"


@pytest.fixture
def with_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin, though the tests load none that are installed."""

    def load_it(only: Any = None, *, enabled: bool = True) -> Plugins:
        from gome_openai import plugin

        plugins = load(only, enabled=enabled)
        plugins.add(plugin, "openai")
        return plugins

    monkeypatch.setattr(services, "load", load_it)


def play(out: Path, task: Path, **settings: Any) -> RunDirectory:
    values = {
        "budget_seconds": 300,
        "traces": 1,
        "max_steps": 3,
        "reasoner": "llm",
        "memory": "none",
        "plugins": [],
        "top_k": 1,
        **settings,
    }
    start(load_task(task), RunSettings.model_validate(values), out=out)
    return RunDirectory.open(out)


def test_a_recorded_run_replays_to_the_same_journal_without_a_network(
    tmp_path: Path, with_openai: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.05)
    task, record = small_tasks.line(tmp_path / "task"), tmp_path / "record.jsonl"

    def troubled(body: Body, number: int) -> Act:
        planned = {0: Act(status=429), 2: Act(text="I would say: less noise."), 5: Act(status=500), 6: Act(cut=True)}
        return planned.get(number) or serve_clerk(body, number)

    with serving(troubled) as server:
        first = play(tmp_path / "first", task, models=["openai:tiny"], base_url=server.url, record=record)
        asked = len(server.seen)
    again = play(tmp_path / "again", task, models=[f"replay:{record}"])
    lines = timeless(first.events())
    assert timeless(again.events()) == lines
    kinds = [event.kind for event in first.events()]
    assert kinds.count(EventKind.MODEL_TROUBLE) == 4
    assert [v.kind.value for name in first.steps() if (v := first.step(name).verdict())] == ["accepted"] * 3
    assert len(record.read_text().splitlines()) == asked + 1
    assert first.solution_path.read_bytes() == again.solution_path.read_bytes()
    assert first.record()["models"]["by_role"] == again.record()["models"]["by_role"]
    assert first.record()["models"]["total"]["requests"] == asked


def test_another_seed_is_told_apart(tmp_path: Path, with_openai: None) -> None:
    """The comparison above can fail: other answers make another journal."""
    task = small_tasks.line(tmp_path / "task")
    with serving(serve_clerk) as server:
        first = play(tmp_path / "first", task, models=["openai:tiny"], base_url=server.url, max_steps=2)
    record = tmp_path / "changed.jsonl"
    record.write_text((first.root / "models.jsonl").read_text().replace("WIDTH = 0.7", "WIDTH = 0.9"))
    again = play(tmp_path / "again", task, models=[f"replay:{record}"], max_steps=2)
    assert timeless(again.events()) != timeless(first.events())


@pytest.mark.slow
def test_a_server_that_misbehaves_at_random_breaks_no_run(tmp_path: Path, with_openai: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two traces, every second reply is bad in one way or another; the run ends valid, and every trouble is in the journal."""
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.02)
    endless = json.dumps({"edits": [{"search": "WIDTH = 1.0", "replace": "while True:\n    pass\n"}], "summary": "wait"})
    anchors = json.dumps({"edits": [{"search": "no such line", "replace": "x"}], "summary": "miss"})
    bad = [
        Act(status=429, headers={"Retry-After": "0.05"}), Act(status=500), Act(status=503), Act(cut=True, text="y" * 500), Act(text="no"),
        Act(text='{"a": 1}'), Act(refusal="no"), Act(text="{", finish="length"), Act(raw=b"oops"), Act(text=endless), Act(text=anchors),
    ]  # fmt: skip
    draw = random.Random(4)

    def script(body: Body, number: int) -> Act:
        return draw.choice(bad) if draw.random() < 0.5 else serve_clerk(body, number)

    with serving(script) as server:
        task = small_tasks.line(tmp_path / "task")  # the short budget ends endless code after a third of it
        run = play(tmp_path / "run", task, models=["openai:tiny"], base_url=server.url, traces=2, budget_seconds=90)
    assert run.record()["result"]["status"] == "done"
    assert run.submission_path.exists()
    events = list(run.events())
    troubles = [event.data["problem"] for event in events if event.kind is EventKind.MODEL_TROUBLE]
    assert len(set(troubles)) >= 3
    assert not [event for event in events if event.kind is EventKind.TRACE_ENDED and "failed" in event.data["reason"]]
    assert run.record()["models"]["total"]["requests"] == len(server.seen)


def gome(*arguments: object, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), *(str(p) for p in (Path(__file__).parents[2] / "plugins").glob("*"))])
    return subprocess.Popen(
        [sys.executable, "-m", "gome_graph.cli", *map(str, arguments)], cwd=cwd, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path, **environment}, start_new_session=True,
    )  # fmt: skip


PRYING = """
import os, pathlib
print("ENVIRONMENT", dict(os.environ))
for path in pathlib.Path(chr(47) + "proc").glob("*/environ"):
    try:
        print(path, path.read_bytes())
    except OSError as error:
        print(path, error)
"""


def test_no_key_is_left_in_anything_a_run_writes(tmp_path: Path) -> None:
    task = small_tasks.line(tmp_path / "task")
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\nLANGSMITH_API_KEY={KEY}-too\n")
    keys: set[str] = set()

    def echoing(body: Body, number: int) -> Act:
        if number == 1:
            return Act(status=500, error=f"upstream said: bad header Authorization: Bearer {KEY}")
        if number == 3:
            return Act(text=f"My instructions mention {KEY}.")
        act = serve_clerk(body, number)
        if "from pathlib" in act.text and "script" in json.loads(act.text):
            answer = json.loads(act.text)
            act.text = json.dumps({**answer, "script": answer["script"] + PRYING})
        return act

    with serving(echoing) as server:
        run = gome("run", task, "--model", "openai:tiny", "--base-url", server.url, "--record", "record.jsonl", "--max-steps", 2,
                   "--traces", 1, "--budget", "300s", "--out", "run", "--memory", "none", cwd=tmp_path, OPENAI_API_KEY="",
                   GOME_PLUGINS="openai")  # fmt: skip
        out, err = run.communicate(timeout=240)
        keys.update(server.keys)
    assert run.returncode == 0, err
    assert keys == {f"Bearer {KEY}"}, "the key from .env was used"
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".env"]
    assert {"models.jsonl", "journal.jsonl", "run.json", "checkpoints.sqlite", "report.html", "record.jsonl"} <= {p.name for p in written}
    assert any(b"ENVIRONMENT" in path.read_bytes() for path in written if path.suffix in (".log", ".txt", ".json")), "the script did pry"
    assert [str(path) for path in written if KEY.encode() in path.read_bytes()] == []
    assert KEY not in out + err


def test_a_mailbox_run_is_answered_by_a_script_and_survives_a_kill(tmp_path: Path) -> None:
    task, box = small_tasks.line(tmp_path / "task"), Mailbox(tmp_path / "letters")
    flags = ["--max-steps", 2, "--traces", 1, "--budget", "300s", "--memory", "none", "--out", "run", "--quiet"]
    process = gome("run", task, "--model", "mailbox:letters", *flags, cwd=tmp_path)
    answered: list[str] = []
    killed = False
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        for letter in (each for each in box.letters() if not each.answered):
            if len(answered) == 2 and not killed:
                kill_tree(process)
                killed = True
                names = sorted(path.name for path in box.folder.iterdir())
                process = gome("resume", "run", "--quiet", cwd=tmp_path)
                wait_for(tmp_path / "run", "resumed", 1, process)
                time.sleep(1)
                assert sorted(path.name for path in box.folder.iterdir()) == names, "the same request is found again, no new one is written"
            answer_by_command(box, letter, cwd=tmp_path)
            answered.append(letter.name)
        time.sleep(0.1)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert killed
    assert len(answered) == len(set(answered)) == 4  # a draft; a diagnosis, hypotheses and a patch
    run = RunDirectory.open(tmp_path / "run")
    assert [v.kind.value for name in run.steps() if (v := run.step(name).verdict())] == ["accepted"] * 2
    assert run.record()["models"]["total"]["requests"] == 4, "an answer given before the kill is not asked for again"


def answer_by_command(box: Mailbox, letter: Letter, cwd: Path) -> None:
    text = json.dumps(clerk(letter.body["schema_name"], letter.body["turns"][0]["text"]))
    done = subprocess.run(
        [sys.executable, "-m", "gome_graph.cli", "mailbox", "answer", str(box.folder), letter.name], input=text, text=True, cwd=cwd,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
