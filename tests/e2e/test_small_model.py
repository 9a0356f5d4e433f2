"""A run with a real small model that knows nothing: it ends valid, and the rules see to it that it is no worse for that."""

from pathlib import Path
from typing import Any

import pytest

from gome_graph.graph import services, start
from gome_graph.graph.builtins import load
from gome_graph.hooks.manager import Plugins
from gome_graph.records import EventKind
from gome_graph.run import RunDirectory, RunSettings
from gome_graph.task import load_task
from gome_graph.testing import small_model
from tests.behaviours import small_tasks

SHORT_ANSWER, SHORT_PROMPT = 100, 1500
"""Tokens: a loaded machine reads some fifty of a prompt in a second. A draft fits in; longer questions are left to the rules."""


@pytest.mark.llm
@pytest.mark.timeout(900)  # nothing in it is timed but by the run's own budget
@pytest.mark.xdist_group("small-model")
def test_a_run_with_a_small_model_ends_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if lacking := small_model.missing():
        pytest.skip(f"the small model is not installed: {'; '.join(lacking)}")

    def load_it(only: Any = None, *, enabled: bool = True) -> Plugins:
        from gome_openai import plugin

        plugins = load(only, enabled=enabled)
        plugins.add(plugin, "openai")
        return plugins

    monkeypatch.setattr(services, "load", load_it)
    with small_model.serving(SHORT_ANSWER) as url:
        settings = RunSettings(
            budget_seconds=800, max_steps=2, traces=1, reasoner="llm", models=["openai:smollm2"], base_url=url, memory="none", plugins=[],
            top_k=1, final_seeds=1, reasoner_config={"prompt_tokens": SHORT_PROMPT},
        )  # fmt: skip
        result = start(load_task(small_tasks.line(tmp_path / "task")), settings, out=tmp_path / "run")
    run = RunDirectory.open(tmp_path / "run")
    assert result.status == "done"
    assert result.score is not None
    assert result.first_score is not None
    assert not result.first_score.better_than(result.score)
    assert run.submission_path.exists()
    asked = run.record()["models"]["total"]
    assert asked["tokens_in"] > 500
    assert asked["tokens_out"] > 50
    events = list(run.events())
    assert [e.data["model"] for e in events if e.kind is EventKind.ANSWERED], "not one answer came over the wire"
    told = [e.step for e in events if e.kind is EventKind.REASONED]
    assert {"t0-0", "t0-1"} <= set(told), "each step says whether the model or the rules made it"
