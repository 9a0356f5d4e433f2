"""Behaviour 8 on a few kills. Figures: benchmarks/behaviours.py --only durability."""

from pathlib import Path

import pytest

from tests.behaviours import durability


@pytest.mark.slow
def test_a_killed_run_with_a_recorded_model_ends_as_one_that_was_left_alone(tmp_path: Path) -> None:
    found = durability.checks(tmp_path, 2)
    assert all(check.passed for check in found), [check.line() for check in found]
