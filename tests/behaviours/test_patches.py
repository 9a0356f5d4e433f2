"""Behaviour 5: patches are mended where the error says what is wrong, within a bound. Figures: benchmarks/behaviours.py --only patches."""

from collections.abc import Iterator

import pytest

from gome_graph.graph.services import RunServices
from tests.behaviours import bugs
from tests.behaviours.bugs import BUGS, Bug


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunServices]:
    opened = bugs.opened(tmp_path_factory.mktemp("bugs"))
    yield opened
    opened.close()


def test_there_are_twenty_different_bugs() -> None:
    assert len({bug.name for bug in BUGS}) == 20


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_seeded_bug_is_mended_with_what_the_error_says(services: RunServices, bug: Bug) -> None:
    rounds, faults = bugs.mended(services, BUGS.index(bug), bug)
    assert rounds == 2, faults


def test_a_model_that_never_mends_is_left_after_the_bound(services: RunServices) -> None:
    hopeless = Bug("hopeless", ("WIDTH = 1.0", "WIDTH = gone"), "a clue that no error holds", ("", ""))
    assert bugs.mended(services, 30, hopeless, rounds=3) == (None, ["name", "anchor", "anchor"])
