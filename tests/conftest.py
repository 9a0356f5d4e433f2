"""Shared by all tests: no installed plugin takes part unless a test asks for it."""

import pytest


@pytest.fixture(autouse=True)
def only_built_in_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results must not depend on what else is installed."""
    monkeypatch.setenv("GOME_PLUGINS", "")
    monkeypatch.setenv("LANGGRAPH_STRICT_MSGPACK", "true")
