"""A served dashboard over runs on disk."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "report")]

from fake_run import FakeRun, build  # noqa: E402 - the path is set above
from serving import served  # noqa: E402


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a run that ended and one without a process."""
    build(tmp_path / "runs" / "ended", per_trace=4)
    build(tmp_path / "runs" / "open", per_trace=2, finished=False)
    return tmp_path / "runs"


@pytest.fixture
def address(root: Path) -> Iterator[str]:
    """A dashboard over `root`."""
    with served(root) as where:
        yield where


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    """A client that behaves as a page of the dashboard."""
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=30) as made:
        yield made


@pytest.fixture
def going(tmp_path: Path) -> Iterator[FakeRun]:
    """A run that somebody holds, two steps in."""
    fake = FakeRun(tmp_path / "runs" / "going", traces=2)
    fake.start()
    fake.steps(1)
    with fake.run.lock():
        yield fake
