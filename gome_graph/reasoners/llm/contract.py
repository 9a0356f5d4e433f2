"""The contract of scripts in words, for the roles that write code."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.llm.keys import has_keys
from gome_graph.reasoners.llm.prompts import plain

PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "lightgbm", "catboost", "xgboost-cpu", "xgboost", "pillow", "wordllama")
"""What scripts may want to import; those that are installed are told with their versions."""

_MEANINGS = {
    "label": "class labels, written as in the training table",
    "probability": "probabilities of the positive class, 0 to 1",
    "probabilities": "probabilities of the classes, one column each; the columns of a row add up to 1",
    "number": "numbers",
    "text": "texts",
}


def contract(task: TaskBrief, script: str = "") -> str:
    """What every script must read, write and leave alone."""
    columns = ", ".join([*([task.id_column] if task.id_column else []), *task.prediction_columns])
    values = {
        "task": task, "id": task.id_column or "the row's place", "columns": columns,
        "meaning": _MEANINGS.get(task.prediction, task.prediction), "kept": has_keys(script),
    }  # fmt: skip
    return plain("contract", values)


@cache
def packages() -> str:
    """Installed packages with their versions."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
