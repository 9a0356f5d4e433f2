import ast
import inspect
from pathlib import Path

import pytest

from gome_graph.hooks import specs
from gome_graph.hooks.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
HOOKS = [value for name, value in vars(specs).items() if name.startswith("gome_") and callable(value)]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda h: h.__name__)
def test_the_docs_name_every_hook_with_its_exact_arguments(hook: object) -> None:
    arguments = ", ".join(inspect.signature(hook).parameters)  # type: ignore[arg-type]
    assert f"### {hook.__name__}({arguments})" in PAGE.read_text(encoding="utf-8")  # type: ignore[attr-defined]


REFERENCE = PAGE.parent / "plugins" / "reference.md"


def test_the_reference_is_what_the_specs_say() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "stale: run `make reference`"


@pytest.mark.parametrize("hook", HOOKS, ids=lambda h: h.__name__)
def test_the_reference_names_every_hook_with_its_exact_arguments(hook: object) -> None:
    (line,) = [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith(f"def {hook.__name__}(")]  # type: ignore[attr-defined]
    told = ast.parse(line.removesuffix(" ...") + " pass").body[0]
    assert isinstance(told, ast.FunctionDef)
    assert [a.arg for a in told.args.args] == list(inspect.signature(hook).parameters)  # type: ignore[arg-type]
