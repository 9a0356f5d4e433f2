"""What all runs of a user may share, and where it lies."""

import os
from pathlib import Path

SHARED = "shared"
"""The word that stands for it: ``--memory shared``."""


def shared_memory() -> Path:
    """``$XDG_DATA_HOME/gome/memory`` or ``~/.local/share/gome/memory``; it need not exist.

    Raises
    ------
    RuntimeError
        The user has no home.
    """
    root = os.environ.get("XDG_DATA_HOME")
    return (Path(root) if root else Path.home() / ".local" / "share") / "gome" / "memory"
