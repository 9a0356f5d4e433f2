"""Where a user's runs keep what they share: things that can be made again, and what is remembered."""

import os
from pathlib import Path

SHARED = "shared"
"""The word that stands for the user's own memory: ``--memory shared``."""


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/gome`` or ``~/.cache/gome``, for what nobody misses; it need not exist, and nothing fails where it cannot be kept.

    Raises
    ------
    RuntimeError
        The user has no home.
    """
    return _base("XDG_CACHE_HOME", ".cache") / "gome"


def shared_memory() -> Path:
    """``$XDG_DATA_HOME/gome/memory`` or ``~/.local/share/gome/memory``; it need not exist.

    Raises
    ------
    RuntimeError
        The user has no home.
    """
    return _base("XDG_DATA_HOME", ".local/share") / "gome" / "memory"


def _base(variable: str, below_home: str) -> Path:
    root = os.environ.get(variable)
    return Path(root) if root else Path.home() / below_home
