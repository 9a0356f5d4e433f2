"""The task's other files: images, geometries, further tables."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from gome_graph.task.spec import Task
from gome_graph.task.tables import is_table, read_header

_NEVER = {"private", "runs", "task.toml", "meta.json", "solution.py", "submission.csv", "description.md", "node_modules"}
"""Names that are never data: answers, our own runs, the task's own description."""
_ANSWERS = ("answer", "solution", "ground_truth", "groundtruth", "test_label", "labels_test", "gold")
COPIED_BYTES = 256 << 20
"""Up to this size side files are copied once, so that no script can reach an original; beyond it they are hard-linked."""


def side_files(task: Task) -> list[Path]:
    """Paths relative to the task's root, sorted; tables that hold a target or look like answers are left out."""
    if not task.side_files:
        return []
    taken = {path for path in (task.train, task.test, task.sample_submission, task.answers) if path is not None}
    return sorted(path.relative_to(task.root) for path in _walk(task.root) if path not in taken and not _tells(path, task))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in _NEVER or entry.name.startswith((".", "__")) or entry.is_symlink():
            continue
        if entry.is_dir():
            if not (entry / "journal.jsonl").exists():
                yield from _walk(entry)
        elif entry.is_file():
            yield entry


def _tells(path: Path, task: Task) -> bool:
    """True for a file that could hold labels of audit or test rows, or a packed copy of the tables."""
    name = path.name.lower()
    if path.parent == task.root and (any(word in name for word in _ANSWERS) or path.suffix.lower() == ".zip"):
        return True
    return is_table(path) and path.suffix.lower() in {".csv", ".tsv"} and bool(set(task.target) & set(read_header(path)))


def place(task: Task, files: list[Path], stages: Mapping[Path, Mapping[str, str]]) -> None:
    """Put `files` into each stage's folder.

    `stages` maps a folder to ``{id of an audit row: its id in test.csv}``: what lies under ``train`` by the name of such a row goes under
    the twin folder ``test`` there, so that audit rows look like test rows in every respect.
    """
    first: dict[Path, Path] = {}
    folders = {file.parts[0] for file in files}
    total = sum((task.root / file).stat().st_size for file in files)
    for folder, moved in stages.items():
        for file in files:
            goal = folder / _moved(file, moved, folders)
            goal.parent.mkdir(parents=True, exist_ok=True)
            source = first.get(file)
            if source is None and total <= COPIED_BYTES:
                shutil.copyfile(task.root / file, goal)
                first[file] = goal
            else:
                _link(source or task.root / file, goal)


def _link(source: Path, goal: Path) -> None:
    try:
        os.link(source, goal)
    except OSError:
        shutil.copyfile(source, goal)


def _moved(file: Path, moved: Mapping[str, str], folders: set[str]) -> Path:
    """``train/17/a.xyz`` -> ``test/17/a.xyz`` and ``train_images/17.png`` -> ``test_images/17.png`` for an audit row 17."""
    if not moved or len(file.parts) < 2 or "train" not in file.parts[0].lower():
        return file
    twin = file.parts[0].replace("train", "test").replace("Train", "Test").replace("TRAIN", "TEST")
    if twin not in folders:
        return file
    parts = list(file.parts)
    for i, part in enumerate(parts[1:], start=1):
        stem, dot, rest = part.partition(".")
        if stem in moved:
            parts[i] = moved[stem] + dot + rest
            return Path(twin, *parts[1:])
    return file
