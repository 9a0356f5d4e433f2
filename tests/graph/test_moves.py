"""Strategies that name the step to go on from, through the real graph, sandbox and validation."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from gome_graph.graph import builtins, services, start
from gome_graph.hooks import Move, MoveKind, Offer, TraceView, hookimpl
from gome_graph.hooks.manager import Plugins
from gome_graph.records import StepId
from gome_graph.run import RunDirectory, RunSettings
from gome_graph.task import load_task
from tests.graph.conftest import CRASH, PlannedReasoner, width

Plan = Callable[[Callable[[int, int], str | None]], PlannedReasoner]


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, Move]], list[TraceView]]:
    """Install a strategy called ``planned`` that makes these moves before these steps; returns what it saw."""

    def install(plan: dict[int, Move]) -> list[TraceView]:
        seen: list[TraceView] = []

        class Planned:
            name = "planned"

            def next(self, view: TraceView) -> Move:
                seen.append(view)
                return plan.get(view.step, Move(MoveKind.STOP)) if not view.exhausted else Move(MoveKind.STOP)

        class Plugin:
            @hookimpl
            def gome_strategy(self) -> Iterable[Offer]:
                return [Offer("planned", Planned)]

        before = services.load

        def load(only: object = None, *, enabled: bool = True) -> Plugins:
            plugins = before(only, enabled=enabled)  # type: ignore[arg-type]
            plugins.add(Plugin(), "planned-moves")
            return plugins

        assert builtins.load is not None
        monkeypatch.setattr(services, "load", load)
        return seen

    return install


def run(folder: Path, out: Path, steps: int) -> RunDirectory:
    settings = RunSettings(budget_seconds=90, traces=1, reasoner="planned", strategy="planned", memory="none", max_steps=steps)
    start(load_task(folder), settings, out=out)
    return RunDirectory.open(out)


def line(done: RunDirectory) -> list[tuple[str, str | None, str, str | None]]:
    """(step, parent, verdict, what it had to beat)."""
    found = []
    for name in done.steps():
        solution, verdict = done.step(name).solution(), done.step(name).verdict()
        if solution is not None and verdict is not None:
            found.append((name, solution.parent, verdict.kind.value, verdict.against))
    return found


def test_a_step_goes_on_from_the_one_named_and_must_beat_that_one(plan: Plan, moves, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    scripts = [width(1.0), width(0.3), width(0.6), width(0.5)]
    reasoner = plan(lambda trace, step: scripts[step])
    moves({1: Move(MoveKind.ROOT), 2: Move(MoveKind.IMPROVE, StepId("t0-0")), 3: Move(MoveKind.IMPROVE, StepId("t0-2"))})
    done = run(folder, tmp_path / "run", 4)
    assert line(done) == [
        ("t0-0", None, "accepted", None), ("t0-1", None, "accepted", None), ("t0-2", "t0-0", "accepted", "t0-0"),
        ("t0-3", "t0-2", "accepted", "t0-2"),
    ]  # fmt: skip
    assert [c.incumbent.step for c in reasoner.seen if c.incumbent] == ["t0-0", "t0-2"]
    assert [s.step for s in reasoner.seen[1].history] == ["t0-0", "t0-2"], "the history is that of the branch"
    assert done.record()["result"]["score"]["value"] == done.step("t0-1").verdict().score.value  # type: ignore[union-attr]


def test_a_failed_leaf_is_mended_and_must_beat_the_sound_step_above_it(plan: Plan, moves, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    scripts = [width(0.5), CRASH, width(0.9), CRASH, width(0.2)]
    reasoner = plan(lambda trace, step: scripts[step])
    debug = {2: Move(MoveKind.DEBUG, StepId("t0-1")), 4: Move(MoveKind.DEBUG, StepId("t0-3"))}
    moves({1: Move(MoveKind.IMPROVE, StepId("t0-0")), 3: Move(MoveKind.IMPROVE, StepId("t0-0")), **debug})
    done = run(folder, tmp_path / "run", 5)
    assert line(done)[2] == ("t0-2", "t0-1", "not_better", "t0-0")
    assert line(done)[4] == ("t0-4", "t0-3", "accepted", "t0-0")
    mending = reasoner.seen[1]
    assert mending.pack is not None
    assert (mending.pack.step, mending.pack.execution.error_class) == ("t0-1", "ValueError")
    assert mending.incumbent is not None
    assert mending.incumbent.script == CRASH


def test_a_step_with_nothing_left_to_try_is_closed_and_the_strategy_asked_again(plan: Plan, moves, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plan(lambda trace, step: width(1.0) if step == 0 else None)
    seen = moves({1: Move(MoveKind.IMPROVE, StepId("t0-0"))})
    done = run(folder, tmp_path / "run", 5)
    assert [sorted(view.exhausted) for view in seen] == [[], ["t0-0"]]
    assert done.record()["result"]["status"] == "done"


@pytest.mark.parametrize("move", [Move(MoveKind.DEBUG, StepId("t0-0")), Move(MoveKind.IMPROVE, StepId("t0-7"))])
def test_a_move_that_cannot_be_made_ends_the_trace_and_names_the_strategy(
    plan: Plan, moves, folder: Path, tmp_path: Path, move: Move,  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    plan(lambda trace, step: width(1.0))
    moves({1: move})
    done = run(folder, tmp_path / "run", 3)
    assert "strategy 'planned' asks to" in (done.root / "crash.log").read_text()
    assert done.record()["result"]["status"] == "done"


def test_a_step_that_takes_over_members_of_others_keeps_them_as_parents(plan: Plan, folder: Path, tmp_path: Path) -> None:
    def members(*keys: str) -> str:
        save = "np.savez('output/kept/{key}.npz', oof=np.zeros(len(train)), test=np.zeros(len(test)))"
        saved = "".join(f"\nPath('output/kept').mkdir(exist_ok=True); {save.format(key=key)}" for key in keys)
        return "import numpy as np\n" + saved

    def script(value: float, *keys: str) -> str:
        head, tail = members(*keys).split("\n", 1)
        return f"{head}\n{width(value)}\n{tail}\n"

    one, two = "0123456789abcdef", "fedcba9876543210"
    scripts = [script(0.5, one), script(0.9, one, two), script(0.4, one, two), script(0.3, one, two)]
    plan(lambda trace, step: scripts[step] if step < 4 else None)
    settings = RunSettings(budget_seconds=90, traces=1, reasoner="planned", memory="none", max_steps=4)
    start(load_task(folder), settings, out=tmp_path / "run")
    done = RunDirectory.open(tmp_path / "run")
    solutions = [solution for name in done.steps() if (solution := done.step(name).solution())]
    assert [(s.parent, s.merged) for s in solutions] == [(None, []), ("t0-0", []), ("t0-0", ["t0-1"]), ("t0-2", [])]
