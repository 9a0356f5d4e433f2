"""What the rules reasoner's tests share."""

import pytest

from gome_graph.reasoners.rules import packages


@pytest.fixture
def every_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models behind extras belong to the catalog: whether they are offered must not depend on the machine that tests."""
    monkeypatch.setattr(packages, "installed", lambda package: True)
