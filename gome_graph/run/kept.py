"""Predictions of members, kept so that no step pays for a model that an earlier step has fitted with the same code.

A script leaves ``output/kept/<key>.npz`` for each member that it fits: out-of-fold predictions ``oof``, test predictions ``test``, and
what it told of the fit. The key names all that lies behind them (`gome_graph.reasoners.rules.writer.member_key`). The controller moves
the files into one pool for the run and lays copies of those that a later script names into its workspace. They hold for the full stage and
the run's own seed; re-runs with other seeds and the final fit get none, probes with permuted labels have a pool of their own. A score
always comes from the predictions of the script that took them over, so a kept file is no way around validation.
"""

import re
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from gome_graph.records import Bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY = re.compile(r"[0-9a-f]{16}")
MOST_BYTES: Bytes = 256 << 20
"""Largest file that is kept: 10 million numbers and more, far beyond what pays."""
POOL_BYTES: Bytes = 2 << 30
"""Nothing is added to a pool of this size."""


class KeptPool:
    """The pool of one run. Safe for several threads; what is there never changes.

    Parameters
    ----------
    root
        Folder of the pool; made when the first file comes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._sizes = {path.stem: path.stat().st_size for path in root.glob("*.npz")} if root.is_dir() else {}

    def keys(self) -> frozenset[str]:
        """Keys of all members whose predictions are there."""
        return frozenset(self._sizes)

    def load(self, key: str) -> "NDArray[np.float64] | None":
        """Out-of-fold predictions ``(n,)`` or ``(n, columns)`` on the model's own scale; None if they are not there or not finite numbers.

        They are a script's word: good for choosing what to try, never for a score.
        """
        import numpy as np

        if key not in self._sizes:
            return None
        try:
            with np.load(self._root / f"{key}.npz", allow_pickle=False) as saved:
                values = np.asarray(saved["oof"], dtype=np.float64)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        return values if np.isfinite(values).all() else None

    def named(self, script: str) -> set[str]:
        """Keys that a script names and that are there."""
        return {key for key in KEY.findall(script) if key in self._sizes}

    def lend(self, workspace: Path, script: str) -> None:
        """Lay copies of what `script` names into the workspace's ``kept/`` (copies: a script may write to its own)."""
        folder = workspace / "kept"
        shutil.rmtree(folder, ignore_errors=True)
        named = [key for key in dict.fromkeys(KEY.findall(script)) if key in self._sizes]
        if named:
            folder.mkdir()
            for key in named:
                shutil.copyfile(self._root / f"{key}.npz", folder / f"{key}.npz")

    def collect(self, workspace: Path, script: str, *, ok: bool) -> None:
        """Take what the script has left, if it ended well (`ok`) and named it; clear both folders."""
        left = workspace / "output" / "kept"
        if ok and left.is_dir() and not left.is_symlink():
            named = set(KEY.findall(script))
            for path in sorted(left.glob("*.npz")):
                if path.stem in named and path.is_file() and not path.is_symlink():
                    self._take(path)
        for folder in (left, workspace / "kept"):
            shutil.rmtree(folder, ignore_errors=True)

    def adopt(self, other: Path) -> None:
        """Copy what the pool of another run holds; for runs on the very same prepared tables alone, which the caller has compared."""
        for path in sorted(other.glob("*.npz")):
            if KEY.fullmatch(path.stem) and path.is_file() and not path.is_symlink():
                self._root.mkdir(exist_ok=True)
                with tempfile.TemporaryDirectory(dir=self._root) as place:
                    self._take(Path(shutil.copyfile(path, Path(place) / path.name)))

    def _take(self, path: Path) -> None:
        size = path.stat().st_size
        with self._lock:
            if path.stem in self._sizes or size > MOST_BYTES or sum(self._sizes.values()) + size > POOL_BYTES:
                return
            self._root.mkdir(exist_ok=True)
            path.replace(self._root / path.name)
            self._sizes[path.stem] = size
