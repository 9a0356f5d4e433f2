"""A prepared MLE-Bench folder: ``public/`` for the agent, maybe ``private/`` (for `grade` alone) and ``meta.json``."""

from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_graph.hooks import LoaderMatch, hookimpl
from gome_graph.support.files import read_json
from gome_graph.task.loaders import folder
from gome_graph.task.loaders.files import find_train
from gome_graph.task.sources import Sources

_MEDALS = ("gold", "silver", "bronze", "median")


@hookimpl
def gome_task_loader(path: Path) -> LoaderMatch | None:
    """Claims a folder that has ``public/`` with a training table (``prepared/public`` too)."""
    home = _home(path)
    return LoaderMatch("mle-bench", load, 0.8) if home is not None else None


def _home(path: Path) -> Path | None:
    for home in (path, path / "prepared"):
        public = home / "public"
        if public.is_dir() and ((public / "task.toml").is_file() or find_train(public) is not None):
            return home
    return None


def load(path: Path) -> Sources:
    """The public files as a plain folder; metric and thresholds from ``meta.json``; the answers are located, not opened."""
    home = _home(path)
    if home is None:
        raise TaskError(f"No training table in {path / 'public'}; a prepared MLE-Bench folder has one there.")
    sources = folder.load(home / "public")
    sources.name = path.resolve().name
    meta = _meta(path / "meta.json")
    if sources.metric is None and isinstance(meta.get("metric"), str):
        sources.metric, sources.metric_source = meta["metric"], "meta.json"
    thresholds = meta.get("thresholds")
    if isinstance(thresholds, dict) and sources.thresholds is None:
        sources.thresholds = {key: float(thresholds[key]) for key in _MEDALS if isinstance(thresholds.get(key), int | float)}
    sources.answers = sources.answers or _answers(path, home, meta)
    return sources


def _meta(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        meta = read_json(path)
    except ValueError as error:
        raise TaskError(f"{path} is not valid JSON ({error}); mend or remove it.") from error
    return meta if isinstance(meta, dict) else {}


def _answers(path: Path, home: Path, meta: dict[str, Any]) -> Path | None:
    named = [path / meta["answers"]] if isinstance(meta.get("answers"), str) else []
    usual = [home / "private" / name for name in ("answers.csv", "test.csv", "solution.csv", "gold_submission.csv")]
    return next((candidate.resolve() for candidate in [*named, *usual] if candidate.is_file()), None)
