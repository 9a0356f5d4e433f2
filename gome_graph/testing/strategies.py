"""What every strategy must do, as a pytest class to inherit from.

Examples
--------
::

    from gome_graph.testing.strategies import StrategyContract

    class TestMyStrategy(StrategyContract):
        def make(self):
            return MyStrategy()
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from gome_graph.hooks import Move, MoveKind, Strategy, TraceView
from gome_graph.records import Component, StepId, StepSummary, VerdictKind, step_id

STEPS = 60
"""Long enough for every strategy to run out of drafts, to mend, to close branches."""
Law = Callable[[random.Random], tuple[VerdictKind, float | None]]
"""How a step comes out: verdict, and gain over its parent (None without a score)."""


def mixed(throw: random.Random) -> tuple[VerdictKind, float | None]:
    """A third is better, a third is not, the rest fails in some way."""
    kind = throw.choice(
        [VerdictKind.ACCEPTED] * 3 + [VerdictKind.NOT_BETTER] * 3 + [VerdictKind.CRASHED, VerdictKind.TIMED_OUT, VerdictKind.LEAKAGE]
    )
    if kind is VerdictKind.ACCEPTED:
        return kind, abs(throw.gauss(0.0, 0.02)) + 0.001
    return kind, -abs(throw.gauss(0.0, 0.02)) if kind is VerdictKind.NOT_BETTER else None


def hopeless(throw: random.Random) -> tuple[VerdictKind, float | None]:
    """Every script crashes."""
    return VerdictKind.CRASHED, None


def level(throw: random.Random) -> tuple[VerdictKind, float | None]:
    """Everything runs, nothing is better."""
    return VerdictKind.NOT_BETTER, 0.0


LAWS: dict[str, Law] = {"mixed": mixed, "hopeless": hopeless, "level": level}


@dataclass
class Play:
    """One trace, played against a law instead of a sandbox. A first solution is always accepted, as in a run."""

    strategy: Strategy
    law: Law = mixed
    seed: int = 0
    steps: int = STEPS
    higher_is_better: bool = True
    closes: float = 0.0
    """Chance that the reasoner finds nothing left to try at the step named."""
    scale: float = 1.0
    """The metric is multiplied by this."""
    view: TraceView = field(init=False)
    moves: list[tuple[TraceView, Move]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.view = TraceView(trace=0, step=0, history=[], has_incumbent=False, seconds_left=1e6, higher_is_better=self.higher_is_better,
                              seed=self.seed)  # fmt: skip

    def go(self) -> "Play":
        """Play to the end of the steps or until the strategy stops."""
        throw = random.Random(self.seed)  # noqa: S311
        self._judge(throw, Move(MoveKind.ROOT))
        while self.view.step < self.steps:
            move = self.strategy.next(self.view)
            self.moves.append((self.view, move))
            if move.kind is MoveKind.STOP:
                break
            if move.parent is not None and throw.random() < self.closes:
                self.view = replace(self.view, exhausted=self.view.exhausted | {move.parent})
                continue
            self._judge(throw, move)
        return self

    def _judge(self, throw: random.Random, move: Move) -> None:
        view, name = self.view, step_id(0, self.view.step)
        scores = {line.step: line.score for line in view.history}
        kept = [line.step for line in view.history if line.outcome == VerdictKind.ACCEPTED]
        parent = None if move.kind is MoveKind.ROOT else move.parent or (kept[-1] if kept else None)
        kind, gain = self.law(throw)
        base = scores.get(parent) if parent is not None else None
        start = 0.7 * self.scale if base is None else base
        score = None if gain is None else start + (gain if self.higher_is_better else -gain) * self.scale
        if parent is None and score is not None:
            kind = VerdictKind.ACCEPTED
        line = StepSummary(step=name, hypothesis=f"idea {view.step}", technique=None, component=Component.MODEL, outcome=kind.value,
                           score=score, seconds=1.0)  # fmt: skip
        self.view = replace(
            view, step=view.step + 1, history=[*view.history, line], has_incumbent=view.has_incumbent or kind is VerdictKind.ACCEPTED,
            progress=(view.step + 1) / self.steps, parents={**view.parents, name: parent},
            confidences={**view.confidences, **({name: 0.3} if parent is not None else {})},
        )  # fmt: skip

    def answers(self) -> list[tuple[MoveKind, StepId | None]]:
        """What it did, in short."""
        return [(move.kind, move.parent) for _, move in self.moves]


class StrategyContract:
    """Inherit, and implement `make`."""

    def make(self) -> Strategy:
        """A new strategy."""
        raise NotImplementedError

    @pytest.mark.parametrize("law", LAWS)
    @pytest.mark.parametrize("closes", [0.0, 0.3])
    def test_it_goes_on_only_from_steps_that_can_be_gone_on_from(self, law: str, closes: float) -> None:
        for seed in range(5):
            for view, move in Play(self.make(), LAWS[law], seed, closes=closes).go().moves:
                if move.parent is None:
                    assert move.kind is not MoveKind.DEBUG, "debug needs the failed step"
                    continue
                assert move.kind in (MoveKind.IMPROVE, MoveKind.DEBUG)
                outcomes = {line.step: line.outcome for line in view.history}
                sound = outcomes[move.parent] in (VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER)
                assert sound is (move.kind is MoveKind.IMPROVE)
                assert move.parent not in view.exhausted

    def test_it_improves_nothing_before_there_is_something(self) -> None:
        for view, move in Play(self.make(), hopeless).go().moves:
            assert not view.has_incumbent
            assert move.kind is not MoveKind.IMPROVE

    def test_it_comes_to_an_end_where_everything_is_closed(self) -> None:
        play = Play(self.make(), mixed, closes=1.0, steps=150).go()
        named = [move.parent for _, move in play.moves if move.parent is not None]
        assert len(named) == len(set(named))
        assert play.view.step < 150 or not named

    def test_the_same_view_gives_the_same_move_in_a_new_process(self) -> None:
        play = Play(self.make(), mixed, seed=3).go()
        assert [self.make().next(view) for view, _ in play.moves] == [move for _, move in play.moves]

    def test_the_direction_and_the_scale_of_the_metric_do_not_matter(self) -> None:
        plain = Play(self.make(), mixed, seed=1).go().answers()
        assert Play(self.make(), mixed, seed=1, scale=1024.0).go().answers() == plain

    def test_a_decision_takes_no_time(self) -> None:
        import time

        play = Play(self.make(), mixed, seed=2, steps=200).go()
        began = time.process_time()
        for view, _ in play.moves[-20:]:
            self.make().next(view)
        assert (time.process_time() - began) / 20 < 0.02
