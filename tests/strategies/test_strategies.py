from dataclasses import replace

import pytest

from gome_graph.hooks import Move, MoveKind, TraceView
from gome_graph.records import Component, StepId, StepSummary, VerdictKind
from gome_graph.strategies.auto import AutoStrategy
from gome_graph.strategies.branches import Tree
from gome_graph.strategies.broad import MOST_ROOTS, STAGNANT, BroadStrategy
from gome_graph.strategies.gradient import GradientStrategy
from gome_graph.strategies.hybrid import HybridStrategy, overconfidence
from gome_graph.strategies.mcts import MctsStrategy, exploration, failed_here
from gome_graph.strategies.tree import TreeStrategy

A, N, C = VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER, VerdictKind.CRASHED


def view(*steps: tuple[VerdictKind, float | None, int | None], confidence: float | None = None, **changes: object) -> TraceView:
    """A trace of (verdict, score, number of the parent or None) steps."""
    names = [StepId(f"t0-{number}") for number in range(len(steps))]
    lines = [StepSummary(step=name, hypothesis=name, technique=None, component=Component.MODEL, outcome=kind.value, score=score)
             for name, (kind, score, _) in zip(names, steps, strict=True)]  # fmt: skip
    parents = {name: None if parent is None else names[parent] for name, (_, _, parent) in zip(names, steps, strict=True)}
    stated = {name: confidence for name in names if parents[name] is not None and confidence is not None}
    made = TraceView(0, len(steps), lines, any(kind is A for kind, _, _ in steps), 1e6, parents=parents, confidences=stated)
    return replace(made, **changes)  # type: ignore[arg-type]


FIVE = [(A, 0.5, None), (A, 0.7, None), (A, 0.6, None), (A, 0.4, None), (A, 0.3, None)]


def test_tree_drafts_five_times_and_then_improves_the_best() -> None:
    assert TreeStrategy().next(view(*FIVE[:4])).kind is MoveKind.ROOT
    assert TreeStrategy().next(view(*FIVE)) == Move(MoveKind.IMPROVE, StepId("t0-1"))
    assert TreeStrategy().next(view(*FIVE, higher_is_better=False)) == Move(MoveKind.IMPROVE, StepId("t0-4"))


def test_tree_goes_on_from_a_better_score_even_where_it_was_not_surely_better() -> None:
    assert TreeStrategy().next(view(*FIVE, (N, 0.705, 1))).parent == "t0-5"


def test_tree_mends_a_failed_leaf_about_every_second_time() -> None:
    kinds = [TreeStrategy().next(view(*FIVE, (C, None, 1), seed=seed)).kind for seed in range(200)]
    assert 70 < kinds.count(MoveKind.DEBUG) < 130


def test_tree_gives_a_branch_up_after_three_mended_failures_in_a_row() -> None:
    steps = [*FIVE, (C, None, 1), (C, None, 5), (C, None, 6), (C, None, 7)]
    assert [branch.step for branch in Tree.of(view(*steps[:-1])).broken] == ["t0-7"]
    assert Tree.of(view(*steps)).broken == []


@pytest.mark.parametrize(("progress", "c"), [(0.0, 1.414), (0.3, 1.414), (0.5, 0.957), (0.7, 0.5), (1.0, 0.5)])
def test_exploration_decays_between_30_and_70_percent_of_the_budget(progress: float, c: float) -> None:
    assert exploration(progress) == pytest.approx(c)


def test_mcts_closes_a_branch_after_three_failed_improvements() -> None:
    chain = [(A, 0.9, None), (N, 0.89, 0), (N, 0.90, 1), (N, 0.90005, 2)]
    tree = Tree.of(view(*chain))
    assert [failed_here(branch) for branch in tree.branches] == [0, 1, 2, 3]
    visited = {MctsStrategy().next(view(*FIVE, *[(N, 0.2, 0)] * 3, *[(N, 0.2, 5)] * 3, *[(N, 0.1, 8)] * 3, progress=p / 10)).parent
               for p in range(10)}  # fmt: skip
    assert not visited & {"t0-11", "t0-12", "t0-13"}


def test_mcts_explores_early_and_exploits_late() -> None:
    roots = [(A, score, None) for score in (0.7, 0.5, 0.4, 0.3, 0.2)]
    grown = [*roots, (A, 0.75, 0), (A, 0.8, 0), (A, 0.82, 0), (A, 0.83, 7), (A, 0.84, 8)]
    early, late = MctsStrategy().next(view(*grown, progress=0.0)), MctsStrategy().next(view(*grown, progress=1.0))
    assert early.parent in {"t0-1", "t0-2", "t0-3", "t0-4"}
    assert late.parent in {"t0-0", "t0-5", "t0-6", "t0-7", "t0-8", "t0-9"}


def test_hybrid_probes_directions_from_the_best_accepted_step() -> None:
    move = HybridStrategy().next(view((A, 0.5, None), (A, 0.6, 0), (N, 0.65, 1), confidence=0.4))
    assert (move.kind, move.parent, move.probes) == (MoveKind.IMPROVE, "t0-1", 3)


def test_hybrid_searches_as_a_tree_once_confidence_lies() -> None:
    sure = view((A, 0.5, None), *[(N, 0.4, 0)] * 8, confidence=0.8)
    assert overconfidence(sure) > 3
    assert HybridStrategy().next(sure) == MctsStrategy().next(sure)
    modest = view((A, 0.5, None), *[(N, 0.4, 0)] * 8, confidence=0.05)
    assert HybridStrategy().next(modest).probes == 3


def test_broad_begins_anew_where_it_stagnates_and_ends_with_the_best() -> None:
    first = [(A, 0.5, None), (A, 0.9, 0), *[(N, 0.4, 1)] * (STAGNANT - 1)]
    assert BroadStrategy().next(view(*first)) == Move(MoveKind.IMPROVE, StepId("t0-1"))
    stagnant = [*first, (N, 0.4, 1)]
    assert BroadStrategy().next(view(*stagnant)).kind is MoveKind.ROOT
    second = [*stagnant, (A, 0.6, None)]
    assert BroadStrategy().next(view(*second)) == Move(MoveKind.IMPROVE, StepId(f"t0-{len(second) - 1}"))
    all_used = [*second, *[(A, 0.6, None)] * (MOST_ROOTS - 2)]
    spent = [*all_used, *[(N, 0.3, len(all_used) - 1)] * STAGNANT]
    assert BroadStrategy().next(view(*spent)) == Move(MoveKind.IMPROVE, StepId("t0-1"))


def test_broad_begins_anew_where_nothing_is_left_to_try() -> None:
    closed = view((A, 0.5, None), exhausted=frozenset({StepId("t0-0")}))
    assert BroadStrategy().next(closed).kind is MoveKind.ROOT


def test_auto_follows_the_gradient_of_a_sound_model() -> None:
    sound = view((A, 0.5, None), (A, 0.6, 0), (N, 0.6, 1), confidence=0.5, validity=0.98)
    assert AutoStrategy().next(sound) == GradientStrategy().next(sound) == Move(MoveKind.IMPROVE)


def test_auto_measures_directions_where_answers_do_not_fit() -> None:
    poor = view((A, 0.5, None), (N, 0.4, 0), validity=0.4)
    assert AutoStrategy().next(poor) == HybridStrategy().next(poor)
    assert AutoStrategy().next(poor).probes > 1
    assert AutoStrategy().next(replace(poor, history=poor.history[:1], step=1)).probes == 1, "one step says too little"


def test_auto_measures_directions_where_confidence_does_not_hold() -> None:
    boastful = view((A, 0.5, None), *[(N, 0.4, 0)] * 8, confidence=0.9)
    assert AutoStrategy().next(boastful) == HybridStrategy().next(boastful) != GradientStrategy().next(boastful)


def test_auto_drafts_like_the_gradient_before_anything_is_accepted() -> None:
    assert AutoStrategy().next(view((C, None, None), validity=0.0)).kind is MoveKind.ROOT
