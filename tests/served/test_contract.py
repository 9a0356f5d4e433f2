"""One run through a real server: start, run, stream, interrupt, resume, kill -9, restart, review, done. Only langgraph_sdk speaks to it."""

import collections
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from langgraph_sdk import get_sync_client

from gome_graph.records import EventKind
from gome_graph.run import RunDirectory
from tests.e2e.conftest import task as small_task
from tests.served.conftest import Server

CHOICES = {"budget_seconds": 400, "traces": 2, "max_steps": 3, "memory": "none", "review": True, "seed": 1}
MILESTONES = ["task_prepared", "step_started", "executed", "validated", "paused"]
WAIT = 300
"""Seconds for a few small scripts on a busy machine."""

task = small_task  # the fixture


def until(true: Callable[[], Any], what: str, server: Server) -> Any:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {WAIT} s for {what}; the server says: {server.log()[-3000:]}")


def counted(run: RunDirectory, kind: EventKind) -> "collections.Counter[str | None]":
    return collections.Counter(event.step for event in run.events() if event.kind is kind)


def kill_and_start(server: Server, run: RunDirectory) -> dict[Path, bytes]:
    """kill -9 a second from now, and start again, if the server is ours; the verdicts there were."""
    time.sleep(1)
    if server.ours:
        server.kill()
    finished = {path: path.read_bytes() for path in run.root.glob("steps/*/verdict.json")}
    if server.ours:
        server.start()
    return finished


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_run_on_a_server_survives_kill_9_and_waits_for_a_person(any_server: Server, task: Path) -> None:
    server = any_server
    if not server.ours:
        shutil.copytree(task, server.folder / task.name, dirs_exist_ok=True)
    client = get_sync_client(url=server.url)

    # An assistant carries the settings, and its schema describes them.
    schema = client.assistants.get_schemas(client.assistants.search(graph_id="gome")[0]["assistant_id"])["context_schema"]
    assert schema is not None
    assert "Wall-clock budget" in schema["properties"]["budget_seconds"]["description"]
    assistant = client.assistants.create("gome", context=CHOICES, name="small and reviewed")["assistant_id"]
    thread = client.threads.create()["thread_id"]

    def interrupts() -> list[Any]:
        if client.threads.get(thread)["status"] != "interrupted":
            return []
        return [given for part in client.threads.get_state(thread)["tasks"] for given in part["interrupts"]]

    # Run, and stream the journal as it is written; a pause is asked for on the way.
    run: RunDirectory | None = None
    streamed = []
    for part in client.runs.stream(thread, assistant, input={"task": task.name}, stream_mode=["custom", "values"], stream_subgraphs=True):
        if part.event.startswith("custom"):
            streamed.append(part.data["kind"])
            if part.data["kind"] == "validated" and run is None:
                run = RunDirectory.open(max(server.folder.glob("runs/shop-*"), key=lambda path: path.stat().st_mtime))
                assert run.is_live()
                run.pause_path.touch()
    assert run is not None
    first = list(dict.fromkeys(streamed))
    assert [kind for kind in first if kind in MILESTONES] == MILESTONES
    assert run.record()["protections"]["mechanism"]
    question = until(interrupts, "the pause", server)[0]["value"]
    assert question["why"] == "asked"
    assert not run.is_live()

    # A hint, and on; the server is killed in the middle of the next steps.
    before = counted(run, EventKind.STEP_STARTED).total()
    client.runs.create(thread, assistant, command={"resume": {"action": "continue", "hints": [{"text": "prefer simple models"}]}})
    until(lambda: counted(run, EventKind.STEP_STARTED).total() > before, "a further step", server)
    finished = kill_and_start(server, run)

    # It takes the run up, by itself or when told to go on, and comes to the review. Nothing that was finished is done again.
    client = get_sync_client(url=server.url)
    if not server.takes_up:
        client.runs.create(thread, assistant, command={"update": {"task": task.name}})
    question = until(interrupts, "the review", server)[0]["value"]
    assert question["why"] == "review"
    assert {path: path.read_bytes() for path in finished} == finished
    assert counted(run, EventKind.EXECUTED) == {f"t{trace}-{step}": 1 for trace in range(2) for step in range(3)}
    assert [event.data["text"] for event in run.events() if event.kind is EventKind.HINT] == ["prefer simple models"]

    # Killed again while it waits, it still waits. A person pins the weakest step that is shown, and the run ends with it.
    kill_and_start(server, run)
    client = get_sync_client(url=server.url)
    chosen = until(interrupts, "the review again", server)[0]["value"]["steps"][-1]["step"]
    values = client.runs.wait(thread, assistant, command={"resume": {"action": "finish", "pin": chosen}})
    assert values["result"]["status"] == "done"
    assert values["result"]["step"] == chosen
    assert list(pd.read_csv(run.submission_path)["id"]) == list(pd.read_csv(task / "sample_submission.csv")["id"])
    assert not run.is_live()
    assert "Blocking call" not in server.log()
