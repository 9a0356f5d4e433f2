"""A run on disk for the views, written by hand."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_run import build

from gome_graph.run import RunDirectory


@pytest.fixture
def finished(tmp_path: Path) -> RunDirectory:
    """A run of three traces that ended well."""
    return build(tmp_path / "runs" / "spaceship-1")


@pytest.fixture
def crashed(tmp_path: Path) -> RunDirectory:
    """A run whose process is gone, without a result."""
    return build(tmp_path / "runs" / "spaceship-2", per_trace=3, finished=False)
