import inspect
from pathlib import Path

import pytest

from gome_graph.hooks import specs

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
HOOKS = [value for name, value in vars(specs).items() if name.startswith("gome_") and callable(value)]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda h: h.__name__)
def test_the_docs_name_every_hook_with_its_exact_arguments(hook: object) -> None:
    arguments = ", ".join(inspect.signature(hook).parameters)  # type: ignore[arg-type]
    assert f"### {hook.__name__}({arguments})" in PAGE.read_text(encoding="utf-8")  # type: ignore[attr-defined]
