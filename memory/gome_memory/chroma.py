"""The derived index in Chroma. Imported only by the index service: Chroma costs 0.6 to 1.8 CPU-s and is not process-safe.

Everything here can be deleted and built again from the store. Each (hypothesis text, outcome) is one row, whatever number
of experiences share it; its id is made of the text, so writing twice is harmless.
"""

import json
import logging
import math
import shutil
import time
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from chromadb.config import Settings
from chromadb.utils.embedding_functions import register_embedding_function

from gome_graph.errors import GomeError
from gome_memory.embedding import CachedEmbedding, load
from gome_memory.errors import IndexUnavailable
from gome_memory.neighbours import Neighbours, cosines, nearest_of
from gome_memory.store import Change, Store

log = logging.getLogger(__name__)

COLLECTIONS = {True: "successes", False: "failures"}
"""One for each outcome: a graph search that filters by outcome takes 300 ms among 100,000 rows."""
LAYOUT = 2
"""Of the index; one of another layout is built again."""
BATCH = 64
"""Changes taken up at once; between two batches the service answers."""

EXACT_ROWS = 2000
"""Up to here every row is compared; beyond, Chroma's graph finds the candidates. A graph search missed up to 2 of the 50 nearest among
1,500 rows that differ in few words, as hypotheses do, and which ones it misses depends on the order of insertion."""

HNSW = {"space": "cosine", "ef_construction": 400, "ef_search": 1000, "max_neighbors": 64}
"""Wider than Chroma's defaults (100, 100, 16) for the same reason."""

SPARE = 4
"""Asked for this many times what is wanted, then cut after exact cosines: what HNSW misses, it misses at the far end."""

PROBES = 8
"""Rows that must find themselves when an index is opened."""

PROBE_DISTANCE = 1e-3
"""Cosine distance of a row to itself, rounding aside."""


@register_embedding_function
class NamedEmbedding(EmbeddingFunction[Documents]):
    """The memory's embedding as Chroma knows it: the collection stores the name, so another reader computes the same vectors.

    The index itself hands its vectors to Chroma and never calls this.
    """

    def __init__(self, embedding: str) -> None:
        self._name = embedding

    def __call__(self, input: Documents) -> Embeddings:
        return [np.asarray(vector, dtype=np.float32) for vector in load(self._name)(list(input))]

    @staticmethod
    def name() -> str:
        return "gome_memory"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "NamedEmbedding":
        return NamedEmbedding(config["embedding"])

    def get_config(self) -> dict[str, Any]:
        return {"embedding": self._name}


class ChromaIndex:
    """The index of one embedding in one memory directory. One process at a time: the caller holds the lock.

    Parameters
    ----------
    directory : Path
        Holds ``state.json`` (how far the index has read, and in which folder it is) and the folder itself.
    """

    def __init__(self, directory: Path, store: Store, embedding: CachedEmbedding) -> None:
        self._directory = directory
        self._state_file = directory / "state.json"
        self._store = store
        self._embedding = embedding
        self.note = ""
        """What had to be mended, for the caller to say once."""
        self._mended = False
        self._ids: set[str] = set()
        self._state = self._read_state()
        self._collections: dict[bool, Any] = {}
        if self._state is None:
            self.rebuild()
            return
        try:
            self._collections = self._open()
            self._probe(self._state["count"])
        except BaseException as error:
            self._mend(error)

    def _probe(self, expected: int) -> None:
        """Raise if rows are missing or do not find themselves: Chroma opens a file of random vectors without a word."""
        self._ids = {row_id for collection in self._collections.values() for row_id in collection.get(include=[])["ids"]}
        if len(self._ids) != expected:
            raise ValueError(f"{len(self._ids)} rows instead of {expected}")
        ids = sorted(self._ids)[:: max(1, len(self._ids) // PROBES)][:PROBES]
        texts = self._store.texts([_parts(row_id)[0] for row_id in ids])
        found = [self._finds_itself(texts[name], success) for name, success in map(_parts, ids) if name in texts]
        if sum(found) < len(found) / 2:  # a graph search may miss one; damage spares none
            raise ValueError(f"{len(found) - sum(found)} of {len(found)} rows do not find themselves")

    def _finds_itself(self, text: str, success: bool) -> bool:
        vector = self._embedding([text])
        if not vector.any():  # a text without words has no direction
            return True
        answer = self._collections[success].query(query_embeddings=vector, n_results=1, include=["distances"])
        return bool(answer["distances"][0]) and bool(answer["distances"][0][0] < PROBE_DISTANCE)

    @property
    def seq(self) -> int:
        """The last change it has read."""
        return int(self._state["seq"]) if self._state else 0

    def count(self) -> int:
        """Rows: distinct (text, outcome)."""
        return len(self._ids)

    def _read_state(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            same = (state["store_id"], state["embedding"], state.get("layout")) == (self._store.store_id, self._embedding.name, LAYOUT)
            return state if same and state["seq"] <= self._store.last_seq() and state["folder"] else None
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            self.note = "The memory's index was damaged and has been built again."
            return None

    def _write_state(self, **changes: object) -> None:
        self._state = {**(self._state or {}), **changes}
        draft = self._state_file.with_suffix(".new")
        draft.write_text(json.dumps(self._state), encoding="utf-8")
        draft.replace(self._state_file)

    def _open(self) -> dict[bool, Any]:
        assert self._state is not None
        settings = Settings(anonymized_telemetry=False, allow_reset=False)
        client = chromadb.PersistentClient(str(self._directory / self._state["folder"]), settings=settings)
        return {
            outcome: client.get_or_create_collection(
                name,
                configuration={"hnsw": HNSW, "embedding_function": NamedEmbedding(self._embedding.name)},  # type: ignore[arg-type]
                metadata={"embedding": self._embedding.name},
            )
            for outcome, name in COLLECTIONS.items()
        }

    def rebuild(self) -> None:
        """Start an empty index in a fresh folder; `catch_up` fills it. A fresh name, because Chroma keeps open what it has opened."""
        old = sorted(self._directory.glob("chroma-*"))
        number = 1 + max((int(path.name[7:]) for path in old if path.name[7:].isdigit()), default=0)
        self._state = None
        self._ids = set()
        self._write_state(
            layout=LAYOUT, store_id=self._store.store_id, embedding=self._embedding.name, folder=f"chroma-{number}", seq=0, count=0
        )
        self._collections = self._open()
        for path in old:
            shutil.rmtree(path, ignore_errors=True)

    def _mend(self, error: BaseException) -> None:
        # Chroma's Rust core panics with a BaseException. What is not Chroma's fault is passed on.
        if isinstance(error, KeyboardInterrupt | SystemExit | GomeError | IndexUnavailable):
            raise error
        if self._mended:
            raise IndexUnavailable(f"The index in {self._directory} cannot be kept in order: {error}") from error
        self._mended = True
        log.warning("rebuilding a damaged index: %s", error)
        self.note = "The memory's index was damaged and has been built again."
        self.rebuild()

    def catch_up_some(self) -> bool:
        """Read the next changes; True if there may be more."""
        changes = self._store.changes(self.seq, BATCH)
        if changes:
            try:
                self._apply(changes)
            except BaseException as error:
                self._mend(error)
        return len(changes) == BATCH or (bool(changes) and self.seq < changes[-1].seq)

    def catch_up(self, seq: int, seconds: float = math.inf) -> int:
        """Read changes until `seq`, or for about `seconds`; returns how many are left (0: it is there)."""
        end = time.monotonic() + seconds
        while self.seq < seq and self.catch_up_some():
            if time.monotonic() > end:
                break
        return max(0, seq - self.seq)

    def _apply(self, changes: list[Change]) -> None:
        live = {_row_id(c.text_id, c.success): c for c in changes if c.live}
        gone = {_row_id(c.text_id, c.success) for c in changes if not c.live and not self._store.has_live(c.text_id, c.success)}
        gone -= set(live)
        vectors = dict(zip(live, self._embedding([c.text for c in live.values()]) if live else (), strict=True))
        for outcome, collection in self._collections.items():
            if here := [row_id for row_id in live if _parts(row_id)[1] is outcome]:
                collection.upsert(ids=here, embeddings=np.array([vectors[row_id] for row_id in here]))
            if there := sorted(row_id for row_id in gone if _parts(row_id)[1] is outcome):
                collection.delete(ids=there)
        self._ids = (self._ids | set(live)) - gone
        self._write_state(seq=changes[-1].seq, count=self.count())

    def nearest(self, texts: list[str], *, successes: int, failures: int, extra: list[str], seq: int) -> Neighbours:
        """See `neighbours.Index`. Mends a damaged index and asks again."""
        self.catch_up(seq)
        try:
            return self._nearest(texts, successes, failures, extra)
        except BaseException as error:
            self._mend(error)
        self.catch_up(seq)
        return self._nearest(texts, successes, failures, extra)

    def _nearest(self, texts: list[str], successes: int, failures: int, extra: list[str]) -> Neighbours:
        asked = self._embedding(texts)
        return Neighbours(self._of(True, asked, successes, extra), self._of(False, asked, failures, []))

    def _of(self, outcome: bool, asked: npt.NDArray[np.float32], limit: int, extra: list[str]) -> dict[str, tuple[float, ...]]:
        names = set(extra)
        if len(self._ids) <= EXACT_ROWS:
            names.update(name for name, success in map(_parts, self._ids) if success is outcome)
        else:
            collection = self._collections[outcome]
            wanted = min(SPARE * limit, collection.count())
            answer = collection.query(query_embeddings=asked, n_results=wanted, include=[]) if wanted else {"ids": []}
            names.update(_parts(row_id)[0] for ids in answer["ids"] for row_id in ids)
        known = self._store.texts(sorted(names))
        if not known:
            return {}
        near = dict(zip(known, cosines(self._embedding(list(known.values())), asked), strict=True))
        return nearest_of(near, limit, extra)


def _row_id(text_id: str, success: bool) -> str:
    return f"{text_id}:{'success' if success else 'failure'}"


def _parts(row_id: str) -> tuple[str, bool]:
    text_id, _, outcome = row_id.partition(":")
    return text_id, outcome == "success"
