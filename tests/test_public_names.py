import pytest

import gome_graph


@pytest.mark.parametrize("name", gome_graph.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(gome_graph, name) is not None
