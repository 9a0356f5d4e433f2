"""Files of plain arrays (``.npz``, no pickle) with a note in JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gome_guard.log import Array

UNREADABLE = (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError)
"""What reading such a file raises if it is another one, or half of one."""


def save_arrays(path: Path, meta: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write arrays, and `meta` as JSON in an array of that name; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        np.savez_compressed(file, meta=np.array(json.dumps(meta)), **arrays)  # type: ignore[arg-type]
    part.replace(path)


def load_arrays(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and `meta` of what `save_arrays` wrote; raises one of `UNREADABLE`."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, json.loads(str(arrays.pop("meta")))
