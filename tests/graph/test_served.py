import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command

from gome_graph.errors import TaskError
from gome_graph.graph.build import build_run
from gome_graph.run import RunChoices, RunDirectory
from gome_graph.server.threads import off_the_loop
from tests.graph.conftest import SLOW, PlannedReasoner, width

ROOT = Path(__file__).parents[2]
NODES = ["__end__", "__start__", "finalise", "prepare", "review", "trace"]
Plan = Callable[[Callable[[int, int], str | None]], PlannedReasoner]


def test_langgraph_json_points_at_the_run_graph() -> None:
    target = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["gome"]["path"]
    file, name = target.split(":")
    namespace: dict[str, object] = {}
    exec(compile((ROOT / file).read_text(), file, "exec"), namespace)
    assert sorted(namespace[name].get_graph().nodes) == NODES  # type: ignore[attr-defined]


@pytest.fixture
def served(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Ask the graph as a server does: coroutines on an event loop that nothing may block, a checkpointer that is not the command line's."""
    monkeypatch.setenv("GOME_SERVER_ROOT", str(tmp_path))
    saver, store = InMemorySaver(), InMemoryStore()
    graph = build_run(saver, store, off_the_loop)

    def ask(given: Any, thread: str = "1", **choices: object) -> dict[str, Any]:
        context = RunChoices.model_validate({"budget_seconds": 60, "traces": 1, "reasoner": "planned", "memory": "none", **choices})
        config: Any = {"configurable": {"thread_id": thread, "run_id": "0123456789"}}

        async def run() -> dict[str, Any]:
            with blockbuster_ctx("gome_graph"):
                return await graph.ainvoke(given, config, context=context)

        return asyncio.run(run())

    return ask


Ask = Callable[..., dict[str, Any]]


def test_a_served_run_does_what_the_command_line_does(plan: Plan, served: Ask) -> None:
    plan(lambda trace, step: width(1.0 - step / 2) if step < 2 else None)
    state = served({"task": "line"})
    run = RunDirectory.open(Path(state["run_dir"]))
    assert state["result"]["status"] == "done"
    assert state["result"]["accepted"] == 2
    assert run.record()["protections"]["mechanism"]
    assert run.root.name == "line-01234567"
    assert not run.is_live()


def test_a_served_run_holds_the_lock_while_it_works(plan: Plan, served: Ask) -> None:
    live: list[bool] = []

    def scripts(trace: int, step: int) -> str | None:
        live.append(RunDirectory.open(next(Path(os.environ["GOME_SERVER_ROOT"]).glob("runs/*"))).is_live())
        return width(1.0) if step < 1 else None

    plan(scripts)
    served({"task": "line"})
    assert live == [True, True]


@pytest.mark.parametrize("given", [{"task": "../elsewhere"}, {"task": "/etc"}, {"run_dir": "/tmp"}])
def test_a_request_cannot_name_a_folder_outside_of_the_servers(served: Ask, given: dict[str, str]) -> None:
    with pytest.raises(TaskError, match="outside of the server's folder"):
        served(given)


def test_a_request_waits_for_a_review_without_holding_anything(plan: Plan, served: Ask) -> None:
    plan(lambda trace, step: width(1.0 - step / 2) if step < 2 else None)
    waiting = served({"task": "line"}, review=True)
    question = waiting["__interrupt__"][0].value
    run = RunDirectory.open(Path(waiting["run_dir"]))
    assert question["why"] == "review"
    assert [step["step"] for step in question["steps"]] == ["t0-1", "t0-0"]
    assert len(json.dumps(question)) < 2000
    assert not run.is_live()

    again = served(Command(resume={"pin": "t9-9"}), review=True)
    assert "t9-9 is no step" in again["__interrupt__"][0].value["problem"]
    again = served(Command(resume={"action": "dance"}), review=True)
    assert "action" in again["__interrupt__"][0].value["problem"]
    done = served(Command(resume={"pin": "t0-0"}), review=True)
    assert (done["result"]["status"], done["result"]["step"]) == ("done", "t0-0")


def test_a_cancelled_request_ends_its_script_and_lets_go_of_the_run(
    plan: Plan, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOME_SERVER_ROOT", str(tmp_path))
    plan(lambda trace, step: SLOW if step == 0 else None)
    graph = build_run(InMemorySaver(), InMemoryStore(), off_the_loop)
    context = RunChoices(budget_seconds=300, traces=2, reasoner="planned", memory="none")

    async def begin_and_cancel() -> None:
        task = asyncio.create_task(graph.ainvoke({"task": "line"}, {"configurable": {"thread_id": "1"}}, context=context))
        while len(list(tmp_path.glob("runs/*/steps/*/work/output"))) < 2:
            await asyncio.sleep(0.05)
            assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(begin_and_cancel())
    assert time.monotonic() - began < 40
    assert not RunDirectory.open(next(tmp_path.glob("runs/*"))).is_live()


def test_every_choice_of_an_assistant_is_described_and_numbers_are_bound() -> None:
    schema = build_run(wrap=off_the_loop).get_context_jsonschema()
    assert schema is not None
    for name, field in schema["properties"].items():
        assert field.get("description"), name
    assert schema["properties"]["traces"]["maximum"] == 64
    assert not {"executor_config", "memory_path", "plugins"} & set(schema["properties"])
