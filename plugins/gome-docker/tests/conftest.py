"""Tests against a real daemon: the one that ``GOME_TEST_DOCKER`` names; ``plugins/gome-docker/private_daemon.sh`` starts one."""

import os

import pytest

pytest.register_assert_rewrite("gome_graph.testing.executors", "gome_graph.testing.bench")

NO_DAEMON = (
    "NOT TESTED: GOME_TEST_DOCKER names no Docker daemon. Start a private one (root, Debian): plugins/gome-docker/private_daemon.sh start"
)


@pytest.fixture(scope="session")
def daemon() -> str:
    """Its address."""
    url = os.environ.get("GOME_TEST_DOCKER", "")
    if not url:
        pytest.skip(NO_DAEMON)
    return url
