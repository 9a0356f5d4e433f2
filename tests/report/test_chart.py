"""Geometry of the drawings."""

from itertools import pairwise
from pathlib import Path

import pytest
from fake_run import FakeRun, build
from hypothesis import given
from hypothesis import strategies as st

from gome_graph.records import VerdictKind
from gome_graph.report.chart import nice_ticks, score_chart, step_tree, time_lines, time_ticks
from gome_graph.report.story import RunView, fold
from gome_graph.run import RunDirectory


def test_every_judged_step_is_drawn_inside_the_picture(finished: RunDirectory) -> None:
    view = fold(finished.events())
    chart = score_chart(view)
    assert chart is not None
    marks = chart.marks + chart.failures
    assert len(marks) == view.judged
    assert all(chart.left <= m.x <= chart.right and chart.top <= m.y <= chart.floor for m in marks)


def test_a_better_score_is_drawn_on_the_side_of_its_number(finished: RunDirectory) -> None:
    chart = score_chart(fold(finished.events()))
    assert chart is not None
    where = {m.step: m.y for m in chart.marks}
    assert where["t0-6"] > where["t0-3"] > where["t0-0"]  # log loss falls: down the picture


def test_a_stray_rejected_score_does_not_squash_the_rest(finished: RunDirectory) -> None:
    chart = score_chart(fold(finished.events()))
    assert chart is not None
    assert {m.kind for m in chart.marks if m.step in ("t1-2", "t0-5")} == {"outside"}
    accepted = [m.y for m in chart.marks if m.kind == "accepted"]
    assert max(accepted) - min(accepted) > 100


def test_nothing_is_drawn_before_there_is_something() -> None:
    assert score_chart(RunView()) is None
    assert step_tree(RunView()) is None
    assert time_lines(RunView()) == []


def test_a_single_score_is_drawn(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path / "run", traces=1)
    fake.start()
    fake.begin(0, 0)
    fake.execute(0, 0, VerdictKind.ACCEPTED)
    fake.judge(0, 0, VerdictKind.ACCEPTED, 0.46)
    chart = score_chart(fold(fake.run.events()))
    assert chart is not None
    assert len(chart.marks) == 1


def test_each_step_but_roots_hangs_on_its_parent(finished: RunDirectory) -> None:
    view = fold(finished.events())
    tree = step_tree(view)
    assert tree is not None
    assert [len(lane.nodes) for lane in tree.lanes] == [8, 8, 8]
    assert [len(lane.edges) for lane in tree.lanes] == [7, 7, 7]
    assert sum(node.best for lane in tree.lanes for node in lane.nodes) == 1


def test_a_long_trace_makes_the_tree_wider_not_unreadable(tmp_path: Path) -> None:
    tree = step_tree(fold(build(tmp_path / "run", traces=1, per_trace=45).events()))
    assert tree is not None
    xs = [node.x for node in tree.lanes[0].nodes]
    assert min(b - a for a, b in pairwise(xs)) >= 26
    assert tree.width > max(xs)


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6), st.integers(2, 8))
def test_ticks_are_few_ordered_and_inside(low: float, span: float, count: int) -> None:
    high = low + span
    if high <= low:
        return
    ticks = nice_ticks(low, high, count)
    slack = span * 1e-6 + 1e-9 * max(abs(low), abs(high))
    assert len(ticks) <= 2 * count + 2
    assert ticks == sorted(ticks)
    assert all(low - slack <= t <= high + slack for t in ticks)


@pytest.mark.parametrize("span", [1.0, 75.0, 300.0, 3600.0, 43200.0])
def test_time_ticks_are_round_and_few(span: float) -> None:
    ticks = time_ticks(span)
    assert 2 <= len(ticks) <= 10
    assert ticks[-1] <= span
