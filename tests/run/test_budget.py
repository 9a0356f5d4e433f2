import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome_graph.records import BudgetStage
from gome_graph.run import Budget, default_audit, default_traces
from gome_graph.run.budget import FINAL_FIT_SHARE, RERUN_SHARE, START_UP_SECONDS


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_of_earlier_processes_counts() -> None:
    clock = Clock()
    budget = Budget(60, spent=20, clock=clock)
    clock.now += 15
    assert budget.elapsed() == 35
    assert budget.left() == 25


def test_stages_follow_the_share_of_time_used() -> None:
    clock = Clock()
    budget = Budget(100, clock=clock)
    seen = []
    for at in (0, 9, 11, 50, 51, 99):
        clock.now = 100.0 + at
        seen.append(budget.stage())
    assert seen == [BudgetStage.DRAFT] * 2 + [BudgetStage.IMPROVE] * 2 + [BudgetStage.ENSEMBLE] * 2


def test_the_reserve_follows_the_incumbents() -> None:
    budget = Budget(100, clock=Clock())
    before = budget.reserve
    budget.note_incumbent(0, 8)
    budget.note_incumbent(1, 2)
    assert before == 5.0
    assert budget.reserve == 1.5 + 2 * 5 + 1.3 * 8
    alone = Budget(100, clock=Clock(), crowd=2.0)
    alone.note_incumbent(0, 8)
    assert alone.reserve == 1.5 + 12 + 1.3 * 8 / 2, "re-runs are capped; the final fit has the machine alone"
    alone.refits = False
    assert alone.reserve == 1.5 + 12
    budget.note_incumbent(0, 4)
    assert budget.reserve == 1.5 + 2 * 3 + 1.3 * 4


@given(st.floats(1, 1e5), st.floats(0, 2e5), st.lists(st.floats(0, 1e4), max_size=5))
def test_steps_never_get_the_reserve_nor_more_than_a_third(total: float, used: float, accepted: list[float]) -> None:
    clock = Clock()
    budget = Budget(total, clock=clock)
    for trace, seconds in enumerate(accepted):
        budget.note_incumbent(trace, seconds)
    clock.now += used
    assert 0 <= budget.for_steps() <= max(0.0, budget.left() - budget.reserve) + 1e-6
    assert budget.step_limit() <= total / 3 + 1e-6
    assert budget.reserve <= max(0.05, FINAL_FIT_SHARE + RERUN_SHARE) * total + START_UP_SECONDS + 1e-6


def test_a_solution_within_the_final_limit_can_be_fitted_again() -> None:
    for crowd in (1.0, 3.0):
        budget = Budget(100, clock=Clock(), crowd=crowd)
        assert budget.final_fit(budget.final_limit) == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("seconds", "cores", "traces", "audit"),
    [(60, 1, 1, 0.0), (60, 2, 1, 0.0), (90, 2, 2, 0.1), (300, 1, 3, 0.1), (5, 1, 1, 0.0), (1800, 2, 3, 0.1)],
)
def test_short_budgets_get_fewer_traces_and_no_audit_part(seconds: float, cores: int, traces: int, audit: float) -> None:
    assert default_traces(seconds, cores) == traces
    assert default_audit(seconds, cores) == audit
    assert default_traces(seconds, cores, max_steps=3) == 3
