"""Tests on real clusters of this machine."""

import pytest

pytest.register_assert_rewrite("gome_graph.testing.executors", "gome_graph.testing.bench")
