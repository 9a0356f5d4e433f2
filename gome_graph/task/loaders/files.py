"""Which file in a folder is which, by its name."""

import re
from pathlib import Path

from gome_graph.task.tables import is_table, table_stem

_TRAIN = re.compile(r"train(ing)?([_\- ]?(data|set))?", re.IGNORECASE)
_TEST = re.compile(r"test(ing)?([_\- ]?(data|set))?", re.IGNORECASE)
_SAMPLE = re.compile(
    r"(sample|example)[_\- ]?(submission|entry)s?\w*|submission[_\- ]?(sample|format|example)|\w+_submission", re.IGNORECASE
)
_DESCRIPTIONS = ("description.md", "description.txt", "task.md", "overview.md", "readme.md", "readme.txt")


def tables_in(folder: Path) -> list[Path]:
    """Readable-looking tables directly in `folder`, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".") and is_table(path))


def _first(folder: Path, pattern: re.Pattern[str]) -> Path | None:
    found = [path for path in tables_in(folder) if pattern.fullmatch(table_stem(path))]
    return min(found, key=lambda path: (len(path.name), path.name)) if found else None


def find_train(folder: Path) -> Path | None:
    """``train.csv`` and its like."""
    return _first(folder, _TRAIN)


def find_test(folder: Path) -> Path | None:
    """``test.csv`` and its like."""
    return _first(folder, _TEST)


def find_sample(folder: Path) -> Path | None:
    """``sample_submission.csv``, ``sampleSubmission.csv`` and their like."""
    return _first(folder, _SAMPLE)


def read_description(folder: Path) -> tuple[str, str]:
    """(text, file name) of the task's description; empty text if there is none."""
    here = {path.name.lower(): path for path in folder.iterdir() if path.is_file()}
    for name in _DESCRIPTIONS:
        if name in here:
            return here[name].read_text(encoding="utf-8", errors="replace"), here[name].name
    return "", "description.md"
