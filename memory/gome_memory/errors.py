"""From what the operating system or SQLite says to one sentence a person can act on."""

import errno
import sqlite3
from pathlib import Path

from gome_graph.errors import BudgetExceeded, GomeError, RunError


class IndexUnavailable(Exception):
    """The derived index cannot be had now; the message says why. Callers fall back to exact search, so users never see it raised."""


class IndexBehind(IndexUnavailable):
    """The index is still reading what was written, as after a large import; it will be there later."""


def storage_error(error: OSError | sqlite3.Error, path: Path) -> GomeError:
    """The `GomeError` for a failure to open, read or write the memory at `path`."""
    text = str(error)
    lower = text.lower()
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "is full" in lower:
        return BudgetExceeded(f"The disk that holds the memory {path} is full; free some space or choose another place with --path.")
    if "readonly" in lower or "read-only" in lower or isinstance(error, PermissionError) or "unable to open" in lower:
        return RunError(
            f"The memory {path} cannot be written here ({text}); make the directory writable or choose another one with --path."
        )
    if "malformed" in lower or "not a database" in lower:
        return RunError(f"The memory {path} is damaged ({text}); restore a copy, or move it away and import an export of it.")
    if "locked" in lower or "busy" in lower:
        return RunError(f"The memory {path} is held by another process for too long ({text}); end that process and try again.")
    return RunError(f"The memory {path} cannot be used: {text}.")
