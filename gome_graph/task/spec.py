"""The task as a record, and its ``task.toml``."""

import os
import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from gome_graph.errors import TaskError
from gome_graph.records import Record

METRIC_SOURCES = ("task.toml", "meta.json", "description.md", "--metric", "inferred from the target")


class Task(Record):
    """What to optimise. All paths are resolved and absolute."""

    name: str
    root: Path
    """The task's folder: side files are looked for here."""
    description: str = ""
    """Text for the reasoner; may be empty."""
    train: Path
    test: Path | None = None
    sample_submission: Path | None = None
    id: str | None = None
    """Id column; None if rows have no name."""
    target: list[str]
    metric: str
    """Canonical name, see `find_metric`."""
    metric_source: str = "task.toml"
    """Where the metric was found, one of `METRIC_SOURCES`."""
    split: str = "stratified"
    """``stratified``, ``kfold``, ``group:<column>`` or ``time:<column>``."""
    drop: list[str] = []
    """Columns an agent must never see."""
    limits: dict[str, float] = {}
    """Limits on a script, for example ``memory_mb``, ``wall_seconds``."""
    answers: Path | None = None
    """Private answers; `grade` alone may open them."""
    thresholds: dict[str, float] | None = None
    """Medal thresholds: gold, silver, bronze, median."""
    side_files: bool = True
    """Whether the other files in `root` belong to the task."""
    inferred: list[str] = []
    """One sentence for each thing that was inferred, shown to the user."""

    @property
    def higher_is_better(self) -> bool:
        """Direction of the metric."""
        from gome_graph.task.metrics import find_metric

        return find_metric(self.metric).higher_is_better

    def to_toml(self, folder: Path | None = None) -> str:
        """The text of a ``task.toml`` that, put into `folder` (default `root`), loads as this task; paths in it are relative."""
        folder = self.root if folder is None else folder.resolve()
        shown: dict[str, Any] = {"name": self.name}
        if folder != self.root:
            shown["root"] = _relative(self.root, folder)
        if self.description:
            shown["description"] = self._description_in(folder)
        for key in ("train", "test", "sample_submission", "answers"):
            path: Path | None = getattr(self, key)
            if path is not None:
                shown[key] = _relative(path, folder)
        if self.id is not None:
            shown["id"] = self.id
        shown["target"] = self.target[0] if len(self.target) == 1 else self.target
        shown["metric"] = self.metric
        shown["direction"] = "maximize" if self.higher_is_better else "minimize"
        shown["split"] = self.split
        if self.drop:
            shown["drop"] = self.drop
        if self.limits:
            shown["limits"] = self.limits
        if self.thresholds:
            shown["thresholds"] = self.thresholds
        if not self.side_files:
            shown["side_files"] = False
        return tomli_w.dumps(shown)

    def _description_in(self, folder: Path) -> str:
        """Name of the file with the description, or its text if it is in none."""
        for name in ("description.md", "description.txt", "README.md"):
            path = folder / name
            if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == self.description:
                return name
        return self.description


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else os.fspath(path)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; `TaskError` with the place of a mistake in it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} is not valid TOML ({error}); mend that line.") from error
