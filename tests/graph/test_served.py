import json
from collections.abc import Callable
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from gome_graph.graph.build import build_run
from gome_graph.graph.services import services
from tests.graph.conftest import PlannedReasoner, width

ROOT = Path(__file__).parents[2]
Plan = Callable[[Callable[[int, int], str | None]], PlannedReasoner]


def test_langgraph_json_points_at_the_run_graph() -> None:
    target = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["gome"]
    file, name = target.split(":")
    namespace: dict[str, object] = {}
    exec(compile((ROOT / file).read_text(), file, "exec"), namespace)
    assert sorted(namespace[name].get_graph().nodes) == ["__end__", "__start__", "finalise", "prepare", "trace"]  # type: ignore[attr-defined]


def test_the_graph_runs_on_what_a_server_brings(plan: Plan, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan(lambda trace, step: width(1.0 - step / 2) if step < 2 else None)
    graph = build_run(InMemorySaver(), InMemoryStore())
    settings = {"budget_seconds": 60, "traces": 1, "reasoner": "planned", "memory": "none"}
    state = graph.invoke({"task": str(folder), "settings": settings}, {"configurable": {"thread_id": "1"}})
    services(state["run_dir"]).close()
    assert state["result"]["status"] == "done"
    assert state["result"]["accepted"] == 2
