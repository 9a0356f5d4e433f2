from hypothesis import given
from hypothesis import strategies as st

from gome_graph.records import BudgetStage
from gome_graph.run import Budget


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
    assert budget.reserve <= 0.25 * total + 1e-6
