"""The script's docstring and its imports."""

import re
from collections.abc import Iterable, Sequence

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.recipe import Recipe
from gome_graph.reasoners.rules.writer.literals import wrapped
from gome_graph.reasoners.rules.writer.models import MemberCode

_STANDARD = ("contextlib", "functools", "importlib", "itertools", "json", "os", "pathlib", "re", "time")
_BLENDS = {
    "mean": "the plain mean of", "greedy": "a weighted mean (greedy selection, Caruana et al. 2004) of", "stack": "stacking on top of",
}  # fmt: skip


def header(task: TaskBrief, recipe: Recipe, codes: Sequence[MemberCode], why: Sequence[str], *, timed: bool) -> str:
    """Module docstring: what the script predicts, with what, and the steps that led here."""
    targets = ", ".join(task.profile.target.columns[:3]) + (" …" if len(task.profile.target.columns) > 3 else "")
    title = f"Predict {targets}; judged by {task.metric}."
    names = [code.summary for code in codes]
    if len(names) == 1:
        about = f"{names[0][0].upper()}{names[0][1:]}"
    else:
        blend = _BLENDS[recipe.blend]
        about = f"{blend[0].upper()}{blend[1:]} {', '.join(names[:-1])} and {names[-1]}"
    about += ". Folds are given (input/folds.csv); whatever is fitted on labels stays out of fold."
    lines = [wrapped(title), "", wrapped(about)]
    if why:
        lines += ["", "Steps kept so far:", *(wrapped(f"- {step}", hanging="  ") for step in why)]
    limit = (", GOME_CPUS" if any("CPUS" in code.text for code in codes) else "") + (", GOME_TIME_LIMIT" if timed else "")
    lines += ["", "Run it in a folder that holds input/:  python solution.py", f"Optional environment: GOME_SEED{limit}."]
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n"""'


def import_block(statements: Iterable[str]) -> str:
    """Import lines, merged and sorted as isort does: standard library, then the rest; ``import`` before ``from``."""
    groups: dict[tuple[bool, bool, str], set[str]] = {}
    for statement in statements:
        if statement.startswith("import "):
            module, names = statement[len("import ") :], set()
            groups.setdefault((_third_party(module), False, module), set())
        else:
            matched = re.fullmatch(r"from (\S+) import (.+)", statement)
            if matched is None:
                raise ValueError(statement)
            module, names = matched[1], {name.strip() for name in matched[2].split(",")}
            groups.setdefault((_third_party(module), True, module), set()).update(names)
    lines: list[str] = []
    for key in sorted(groups, key=lambda group: (group[0], group[1], group[2].lower())):
        third_party, from_import, module = key
        if third_party and lines and not any(line == "" for line in lines):
            lines.append("")
        if not from_import:
            lines.append(f"import {module}")
            continue
        line = f"from {module} import {', '.join(_sorted_names(groups[key]))}"
        if len(line) > 100:
            line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in _sorted_names(groups[key])) + ")"
        lines.append(line)
    return "\n".join(lines)


def _third_party(module: str) -> bool:
    return module.split()[0].split(".")[0] not in _STANDARD


def _sorted_names(names: set[str]) -> list[str]:
    """Constants, classes, functions: isort's order."""
    return sorted(names, key=lambda name: (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name))
