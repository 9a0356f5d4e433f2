"""The task's other files: images, geometries, further tables."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gome_graph.task.row_files import row_in
from gome_graph.task.spec import Task
from gome_graph.task.tables import is_table, read_header, table_stem

_NEVER = {"private", "runs", "task.toml", "meta.json", "solution.py", "submission.csv", "description.md", "node_modules"}
"""Names that are never data: answers, our own runs, the task's own description."""
_ANSWERS = ("answer", "solution", "ground_truth", "groundtruth", "test_label", "labels_test", "gold")
COPIED_BYTES = 256 << 20
"""Up to this size side files are copied once, so that no script can reach an original; beyond it they are hard-linked."""


def side_files(task: Task) -> list[str]:
    """Paths relative to the task's root, with ``/``, sorted; tables that hold a target or look like answers are left out."""
    if not task.side_files:
        return []
    taken = {task.train, task.test, task.sample_submission, task.answers}
    return sorted(
        path.relative_to(task.root).as_posix()
        for path in _walk(task.root)
        if path not in taken and not tells(path, task.target, at_root=path.parent == task.root)
    )


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in _NEVER or entry.name.startswith((".", "__")) or entry.is_symlink():
            continue
        if entry.is_dir():
            if not (entry / "journal.jsonl").exists():
                yield from _walk(entry)
        elif entry.is_file():
            yield entry


def tells(path: Path, targets: Sequence[str], *, at_root: bool) -> bool:
    """True for a file that could hold labels of audit or test rows, or another copy of the tables."""
    name = path.name.lower()
    if at_root and (any(word in name for word in _ANSWERS) or path.suffix.lower() == ".zip"):
        return True
    if not is_table(path):
        return False
    if path.suffix.lower() in {".csv", ".tsv"}:
        return bool(set(targets) & set(read_header(path)))
    return at_root and table_stem(path).lower().startswith("train")


@dataclass(frozen=True)
class Shown:
    """The rows of one stage, by id."""

    train: frozenset[str]
    """Rows of ``train.csv``."""
    test: frozenset[str]
    """Real rows of ``test.csv``."""
    audit: Mapping[str, str]
    """Audit rows of ``test.csv``: id in the task's train table -> id there."""


def place(task: Task, files: Sequence[str], stages: Mapping[Path, Shown], every: Shown) -> None:
    """Put `files` (relative paths) into each stage's folder.

    What lies under a ``train`` or ``test`` folder by the name of a row is there only in the stages that show the row; for an audit row it
    lies under the twin folder ``test``, so that audit rows look like test rows in every respect. Other files are there at every stage.
    `every` holds all rows of the task.
    """
    first: dict[str, str] = {}
    root = os.fspath(task.root)
    copied = sum(Path(root, file).stat().st_size for file in files) <= COPIED_BYTES
    folders = {file.split("/", 1)[0] for file in files}
    for folder, shown in stages.items():
        made: set[str] = set()
        for file in files:
            inside = _place_of(file, shown, every, folders)
            if inside is None:
                continue
            goal = f"{folder}/{inside}"
            parent = goal.rpartition("/")[0]
            if parent not in made:
                Path(parent).mkdir(parents=True, exist_ok=True)
                made.add(parent)
            source = first.get(file)
            if source is None and copied:
                shutil.copyfile(f"{root}/{file}", goal)
                first[file] = goal
            else:
                _link(source or f"{root}/{file}", goal)


def _link(source: str, goal: str) -> None:
    try:
        os.link(source, goal)
    except OSError:
        shutil.copyfile(source, goal)


def _place_of(file: str, shown: Shown, every: Shown, folders: set[str]) -> str | None:
    """Where `file` lies in a stage's folder: ``train/17/a.xyz`` is ``test/17/a.xyz`` for an audit row 17. None: not at this stage."""
    top, *parts = file.split("/")
    if "train" in top.lower():
        twin = top.replace("train", "test").replace("Train", "Test").replace("TRAIN", "TEST")
        for i, part in enumerate(parts):
            hit = row_in(part, every.train)
            if hit is None:
                continue
            row, slot = hit
            if row in shown.audit and twin in folders:
                return "/".join([twin, *parts[:i], slot.format(shown.audit[row]), *parts[i + 1 :]])
            return file if row in shown.train or row in shown.audit else None
    elif "test" in top.lower():
        named = next((hit[0] for part in parts if (hit := row_in(part, every.test)) is not None), None)
        return file if named is None or named in shown.test else None
    return file
