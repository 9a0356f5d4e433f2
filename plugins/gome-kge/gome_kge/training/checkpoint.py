"""A training's state in one safetensors file: tensors, and a JSON header. No pickle; whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gome_graph.errors import RunError

HEADER = "gome_kge"


def write(path: Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Replace `path` by a file with these tensors and this header; a reader or a killed writer sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={HEADER: json.dumps(header)})
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, header).

    Raises
    ------
    RunError
        If the file is missing, damaged or not ours.
    """
    if not path.is_file():
        raise RunError(f"There is no {path}; give the folder that `gome kge train` wrote.")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[HEADER])
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118 (a file, not a dict)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise RunError(f"{path} is damaged or was not written by gome_kge ({error}); train again into a new folder.") from error
