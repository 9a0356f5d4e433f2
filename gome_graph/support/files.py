"""The one place that writes files: whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic_core import to_json


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write `text` so that a reader, or a killed process, sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """`write_text` for JSON values and records; keys keep their order."""
    write_text(path, to_json(value, indent=1).decode() + "\n", mode=mode)


def read_json(path: Path) -> Any:
    """The parsed file; raises what `json` and `open` raise."""
    return json.loads(path.read_text(encoding="utf-8"))
