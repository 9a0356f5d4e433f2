"""Lets the examples be tested without installing them."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(folder) for folder in sorted(Path(__file__).parent.glob("gome-*"))]

pytest.register_assert_rewrite("gome_graph.testing.bench", "gome_graph.testing.executors")
