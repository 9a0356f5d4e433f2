"""Where things lie that can be made again: nobody misses them, and nothing fails where they cannot be kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/gome`` or ``~/.cache/gome``; it need not exist.

    Raises
    ------
    RuntimeError
        The user has no home.
    """
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "gome"
