"""The reference of all hooks, written from their specs:  python -m gome_graph.hooks.reference > docs/plugins/reference.md"""

import ast
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

HEAD = """# Hook reference

Written from `gome_graph/hooks/specs.py` by `make reference`; a test fails when it is stale. Implement a hook with `@gome_graph.hookimpl`;
leave out arguments that you do not need. Hooks that *offer* something give `Offer` descriptors, which users choose by name. What is behind
the types is in the [API reference](../api.md).
"""

OFFER = "Iterable[Offer]"


def hooks() -> list[Callable[..., Any]]:
    """All hook specifications, in the order of their page."""
    from gome_graph.hooks import specs

    return [value for name, value in vars(specs).items() if name.startswith("gome_") and callable(value)]


def signatures() -> dict[str, tuple[list[tuple[str, str]], str]]:
    """Of each hook: (argument, type) pairs and the type of the answer, as they are written in the source."""
    from gome_graph.hooks import specs

    found = {}
    for node in ast.parse(inspect.getsource(specs)).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("gome_"):
            arguments = [(a.arg, _plain(a.annotation)) for a in node.args.args]
            found[node.name] = arguments, _plain(node.returns)
    return found


def _plain(annotation: ast.expr | None) -> str:
    """A type without the quotes of a forward reference."""
    return "" if annotation is None else ast.unparse(annotation).strip("'\"")


def reference() -> str:
    """The page."""
    known = signatures()
    parts = [HEAD, "| hook | what for |", "|---|---|"]
    for hook in hooks():
        first = _text(hook).partition(". ")[0].rstrip(".")
        parts.append(f"| [`{hook.__name__}`](#{hook.__name__}) | {first} |")
    for hook in hooks():
        arguments, answer = known[hook.__name__]
        parts += ["", f"## {hook.__name__}", "", "```python", "@hookimpl", _definition(hook.__name__, arguments, answer), "```", ""]
        parts.append(_text(hook))
        if answer == OFFER:
            parts.append("\nAnswers are looked up by name; two of one name are an error that names both plugins.")
    return "\n".join(parts).rstrip() + "\n"


def _definition(name: str, arguments: list[tuple[str, str]], answer: str) -> str:
    listed = ", ".join(f"{argument}: {kind}" if kind else argument for argument, kind in arguments)
    return f"def {name}({listed}) -> {answer}: ..."


def _text(hook: Callable[..., Any]) -> str:
    """The docstring as Markdown: double backquotes become single ones."""
    return re.sub(r"``(.+?)``", r"`\1`", inspect.cleandoc(hook.__doc__ or ""))


if __name__ == "__main__":
    sys.stdout.write(reference())
