"""A plain folder, with or without ``task.toml``."""

from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_graph.hooks import LoaderMatch, hookimpl
from gome_graph.task.loaders.files import find_sample, find_test, find_train, read_description, tables_in
from gome_graph.task.names import closest
from gome_graph.task.sources import Sources
from gome_graph.task.spec import read_toml

_KEYS = {
    "name": str, "description": str, "train": str, "test": str, "sample_submission": str, "id": str, "target": (str, list), "targets": list,
    "metric": str, "direction": str, "split": str, "limits": dict, "drop": list, "answers": str, "thresholds": dict, "root": str,
    "side_files": bool,
}  # fmt: skip

_SORTS = {
    str: "text in quotes", bool: "true or false", dict: "a table such as [limits]", list: "a list of names",
    (str, list): "a name or a list of names",
}  # fmt: skip


@hookimpl
def gome_task_loader(path: Path) -> LoaderMatch | None:
    """Claims any folder, surely one with a ``task.toml`` (or the ``task.toml`` itself)."""
    if path.name == "task.toml" and path.is_file():
        return LoaderMatch("folder", load, 1.0)
    if path.is_dir():
        return LoaderMatch("folder", load, 0.9 if (path / "task.toml").is_file() else 0.3)
    return None


def load(path: Path) -> Sources:
    """Find the files of the folder; what ``task.toml`` names wins."""
    folder = path if path.is_dir() else path.parent
    declared = folder / "task.toml"
    settings = _checked(declared, read_toml(declared)) if declared.is_file() else {}
    inferred: list[str] = []
    train = _file(declared, settings, "train") or find_train(folder)
    if train is None:
        tables = [table for table in tables_in(folder) if table != find_test(folder) and table != find_sample(folder)]
        train = tables[0] if len(tables) == 1 else folder / "train.csv"  # missed by load_task, unless a flag names another
        if len(tables) == 1:
            inferred.append(f"The training table is {train.name}, the only table in the folder.")
    text, text_name = read_description(folder)
    if "description" in settings:
        text, text_name = _description(declared, str(settings["description"]))
    target = settings.get("target", settings.get("targets", []))
    return Sources(
        name=str(settings.get("name", folder.resolve().name)),
        root=(folder / settings.get("root", ".")).resolve(),
        train=train,
        test=_file(declared, settings, "test") or _unless(train, find_test(folder)),
        sample_submission=_file(declared, settings, "sample_submission") or _unless(train, find_sample(folder)),
        description=text,
        description_name=text_name,
        id=settings.get("id"),
        target=[target] if isinstance(target, str) else list(target),
        metric=settings.get("metric"),
        direction=settings.get("direction"),
        split=settings.get("split"),
        drop=list(settings.get("drop", [])),
        limits=dict(settings.get("limits", {})),
        answers=_file(declared, settings, "answers"),
        thresholds=settings.get("thresholds"),
        side_files=settings.get("side_files", True),
        inferred=inferred,
    )


def _unless(taken: Path, found: Path | None) -> Path | None:
    return None if found == taken else found


def _file(declared: Path, settings: dict[str, Any], key: str) -> Path | None:
    if key not in settings:
        return None
    path = declared.parent / str(settings[key])
    if not path.is_file():
        raise TaskError(f"{declared} names {key} = {settings[key]!r}, but {path} is not a file; mend the path.")
    return path


def _description(declared: Path, value: str) -> tuple[str, str]:
    """The file named, or the text itself."""
    if "\n" not in value and len(value) < 200:
        path = declared.parent / value
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace"), path.name
        if Path(value).suffix.lower() in {".md", ".txt"}:
            raise TaskError(f"{declared} names description = {value!r}, but {path} is not a file; mend the path.")
    return value, "task.toml"


_LIMITS = ("memory_mb", "wall_seconds")
"""What a task may say of a script, on top of what the budget allows."""


def _checked(declared: Path, settings: dict[str, Any]) -> dict[str, Any]:
    for key, value in settings.items():
        if key not in _KEYS:
            raise TaskError(f"{declared} has an unknown key {key!r}; did you mean {closest(key, _KEYS)}?")
        if not isinstance(value, _KEYS[key]):  # type: ignore[arg-type]
            raise TaskError(f"{declared} has {key} = {value!r}, but {_SORTS[_KEYS[key]]} is needed there.")
    for key in ("target", "targets", "drop"):
        if isinstance(settings.get(key), list) and not all(isinstance(item, str) for item in settings[key]):
            raise TaskError(f"{declared} has {key} = {settings[key]!r}; a list of column names in quotes is needed.")
    for key in ("limits", "thresholds"):
        if not all(isinstance(item, int | float) for item in settings.get(key, {}).values()):
            raise TaskError(f"{declared} has a value in [{key}] that is not a number; mend it.")
    for key, value in settings.get("limits", {}).items():
        if key not in _LIMITS:
            raise TaskError(f"{declared} has an unknown limit {key!r} in [limits]; did you mean {closest(key, _LIMITS)}?")
        if value <= 0:
            raise TaskError(f"{declared} has {key} = {value} in [limits]; a positive number is needed there.")
    return settings
