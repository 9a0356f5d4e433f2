from pathlib import Path

import pytest
from langgraph.store.memory import InMemoryStore

from gome_graph.graph.blackboard import Blackboard
from gome_graph.run import RunDirectory


@pytest.mark.parametrize("name", ["run", "v1.2", "two words", "größe"])
def test_traces_meet_in_a_run_directory_of_any_name(tmp_path: Path, name: str) -> None:
    store = InMemoryStore()
    board, elsewhere = Blackboard(store, RunDirectory(tmp_path / name)), Blackboard(store, RunDirectory(tmp_path / "other"))
    board.post(0, steps=2, hypothesis=None, incumbent=None)
    assert [(facts.trace, facts.steps) for facts in board.siblings(1)] == [(0, 2)]
    assert elsewhere.siblings(1) == []
