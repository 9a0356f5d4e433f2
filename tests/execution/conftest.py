"""Lets pytest explain the assertions of the contract suite."""

import pytest

pytest.register_assert_rewrite("gome_graph.testing.bench", "gome_graph.testing.executors")
