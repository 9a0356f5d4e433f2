"""Embeddings by name, and the cache that makes a vector a fact: computed once for a text, then read."""

import sqlite3
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gome_memory import hashing, minilm
from gome_memory.errors import IndexUnavailable
from gome_memory.store import text_id

Embedding = Callable[[list[str]], Any]
"""``list[str] -> (n, dimensions)`` of unit vectors, as an array or lists."""

DEFAULT = "minilm"
FALLBACK = "hash"


def missing(name: str) -> list[str]:
    """What keeps the embedding `name` from running here; empty if nothing is known to. Cheap."""
    return minilm.missing() if name == "minilm" else []


def chroma_missing() -> list[str]:
    """What keeps the Chroma index from running here."""
    return [] if find_spec("chromadb") else ["The package chromadb is not installed."]


def load(name: str) -> Embedding:
    """The embedding called `name`: a built-in one, or one that an installed plugin offers (hook ``gome_embedding``).

    Raises
    ------
    IndexUnavailable
        If there is none of that name, or it cannot run here.
    """
    if name == "minilm":
        return minilm.MiniLM()
    if name == "hash":
        return hashing.embed
    for point in entry_points(group="gome_graph"):
        # A plugin of another kind that fails to import is `gome doctor`'s business, not ours.
        try:
            hook = getattr(point.load(), "gome_embedding", None)
            offers = list(hook()) if hook else []
        except Exception:  # noqa: S112
            continue
        for offer in offers:
            if offer.name == name:
                embedding: Embedding = offer.factory(offer.config() if offer.config else None)
                return embedding
    raise IndexUnavailable(f"No installed plugin offers an embedding called {name!r}.")


class CachedEmbedding:
    """An embedding whose vectors are kept by text, in memory and, with a `path`, in an SQLite file.

    Not safe for several threads. The file is a cache: deleting it costs time, nothing else.
    """

    KEEP = 4096
    """Vectors held in memory (6 MB at 384 dimensions)."""

    def __init__(self, name: str, embedding: Embedding, path: Path | None = None) -> None:
        self.name = name
        self._embedding = embedding
        self._held: dict[str, npt.NDArray[np.float32]] = {}
        self._file: sqlite3.Connection | None = None
        if path is not None:
            try:
                self._file = _open_cache(path)
            except sqlite3.DatabaseError:  # damaged: it is only a cache
                for leftover in path.parent.glob(f"{path.name}*"):
                    leftover.unlink()
                self._file = _open_cache(path)

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors, shape (len(texts), dimensions)."""
        names = [text_id(text) for text in texts]
        found = {name: self._held[name] for name in names if name in self._held}
        absent = {name: text for name, text in zip(names, texts, strict=True) if name not in found}
        if absent:
            found |= self._from_file(absent)
            fresh = {name: text for name, text in absent.items() if name not in found}
            if fresh:
                found |= self._compute(fresh)
        self._hold(found)
        return np.stack([found[name] for name in names]) if names else np.zeros((0, 1), dtype=np.float32)

    def _from_file(self, absent: dict[str, str]) -> dict[str, npt.NDArray[np.float32]]:
        if self._file is None:
            return {}
        found = {}
        for name in absent:
            row = self._file.execute("SELECT vector FROM vectors WHERE text_id = ?", (name,)).fetchone()
            if row:
                found[name] = np.frombuffer(row[0], dtype="<f4")
        return found

    def _compute(self, fresh: dict[str, str]) -> dict[str, npt.NDArray[np.float32]]:
        vectors = np.asarray(self._embedding(list(fresh.values())), dtype="<f4")
        found = dict(zip(fresh, vectors, strict=True))
        if self._file is not None:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(name, v.tobytes()) for name, v in found.items()])
            self._file.execute("COMMIT")
        return found

    def _hold(self, found: dict[str, npt.NDArray[np.float32]]) -> None:
        for name, vector in found.items():
            self._held.pop(name, None)  # back to the young end
            self._held[name] = vector
        for name in list(self._held)[: max(0, len(self._held) - self.KEEP)]:
            del self._held[name]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _open_cache(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=30.0, isolation_level=None)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = OFF")
    file.execute("CREATE TABLE IF NOT EXISTS vectors (text_id TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")
    if file.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        file.close()
        raise sqlite3.DatabaseError("damaged")
    return file
