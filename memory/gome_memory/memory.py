"""The memory itself: SQLite keeps, an index finds, `momentum` ranks."""

import logging
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gome_graph.records import Experience, Momentum, Recalled, RecallQuery
from gome_memory.client import ServiceIndex
from gome_memory.embedding import DEFAULT, FALLBACK, CachedEmbedding, Embedding, chroma_missing, load, missing
from gome_memory.errors import IndexBehind, IndexUnavailable
from gome_memory.momentum import Candidate, Ranked, choose, rank
from gome_memory.neighbours import ExactIndex, Index, Neighbours
from gome_memory.service import IDLE_SECONDS
from gome_memory.store import Facts, Store

log = logging.getLogger("gome_memory")


class MemoryConfig(BaseModel):
    """Settings of the success memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: Literal["chroma", "exact"] = "chroma"
    """``chroma``: an index service beside the run. ``exact``: brute force in this process, no service; with hashed words 100,000 hypotheses
    take 17 ms a question."""
    embedding: str = DEFAULT
    """``minilm`` (packaged weights), ``hash`` (no weights) or the name of one that a plugin offers."""
    neighbours: int = 50
    """Successes retrieved for each hypothesis; as many of the highest gain are added."""
    server: str | None = None
    """``chroma://host:port/name``: share the experiences with others through a Chroma server (see `gome_memory.shared`)."""
    idle_seconds: float = IDLE_SECONDS
    """The index service ends this long after its last client was killed; at once after a goodbye."""


class SuccessMemory:
    """What worked and what did not, over all traces, and over all runs that share the directory.

    Safe with several threads and several processes at once.

    Parameters
    ----------
    path : Path
        Memory directory (``<run>/memory`` by default in a run); made if it is missing.
    config : MemoryConfig, optional
    embedding : str or callable, optional
        Name of an embedding, instead of the config's; or a callable ``list[str] -> unit vectors``, which stays in this process and
        is searched exactly.

    Raises
    ------
    RunError
        If the directory cannot be written or holds a memory of a newer version.

    Attributes
    ----------
    note : str
        Empty, or the one sentence said (logged once) about a fallback or a mended index.
    """

    def __init__(self, path: Path, config: MemoryConfig | None = None, embedding: str | Embedding | None = None) -> None:
        self._config = config or MemoryConfig()
        self.name: str = self._config.index
        self.path = Path(path)
        self._store = Store(self.path)
        self._lock = threading.Lock()
        self.note = ""
        self._service: ServiceIndex | None = None
        self._exact: ExactIndex | None = None
        choice = self._config.embedding if embedding is None else embedding
        if not isinstance(choice, str):
            self._exact = ExactIndex(self._store, CachedEmbedding(getattr(choice, "name", "callable"), choice))
        elif self._config.index == "exact":
            self._exact = self._exact_index(choice)
        elif problems := chroma_missing() + missing(choice):
            self._fall_back(" ".join(problems))
        else:
            self._service = ServiceIndex(self.path, choice, idle_seconds=self._config.idle_seconds)

    def remember(self, experience: Experience) -> None:
        """Store durably, then tell the index without waiting for it. The same key twice replaces.

        Raises
        ------
        BudgetExceeded
            If the disk is full.
        RunError
            If the directory cannot be written.
        """
        self.remember_all([experience])

    def remember_all(self, experiences: Iterable[Experience]) -> None:
        """Several at once: all of them or, on an error, none."""
        self._store.write(experiences)
        service = self._service  # another thread may fall back in between
        if service is not None:
            service.notify()

    def recall(self, query: RecallQuery) -> Momentum:
        """Rank what is remembered against the hypotheses of `query`.

        Sees every experience whose `remember` has returned, in any process. The same memory and the same query give the same
        answer, whatever the order of writing and the state of the index.
        """
        seq = self._store.last_seq()
        if seq == 0:
            return Momentum()
        texts = [item.text.encode("utf-8", "replace").decode("utf-8") for item in query.hypotheses]
        best = self._store.highest_gains(self._config.neighbours)
        near = self._nearest(texts, [item.text_id for item in best], seq) if texts else Neighbours({item.text_id: () for item in best}, {})
        candidates = self._candidates(near, best, len(texts))
        ranked = rank(candidates, query.trace_steps, self.terms(query, candidates))
        successes, failures = choose(ranked, query.seed)
        return Momentum(successes=self._recalled(successes), failures=self._recalled(failures), considered=len(candidates))

    def terms(self, query: RecallQuery, candidates: list[Candidate]) -> Mapping[str, float]:
        """Key -> what is added to an experience's weight; nothing here. Memories that know more than texts and gains override it."""
        return {}

    def news(self, since: int) -> tuple[int, list[Experience], list[str]]:
        """(number of the last change, experiences written after change `since`, keys forgotten after it); 0 stands for the beginning."""
        return self._store.news(since)

    def _candidates(self, near: Neighbours, highest: list[Facts], hypotheses: int) -> list[Candidate]:
        """The nearest experiences of each hypothesis, from the nearest texts on, and those of the highest gain."""
        found = {item.key: (item, near.successes[item.text_id]) for item in highest if item.text_id in near.successes}
        for column in range(hypotheses):
            room = self._config.neighbours
            successes = _by_similarity(near.successes, column)[:room]
            best = self._store.best_of_texts([text for text, _ in successes], room)
            for text, cosines in successes:
                of_text = best.get(text, [])[:room]
                found |= {item.key: (item, cosines) for item in of_text}
                room -= len(of_text)
            failures = _by_similarity(near.failures, column)[: self._config.neighbours]
            worst = self._store.worst_of_texts([text for text, _ in failures])
            found |= {item.key: (item, cosines) for text, cosines in failures for item in worst.get(text, [])}
        return [Candidate(item.key, item.success, item.gain_in_noise, cosines) for item, cosines in found.values()]

    def _recalled(self, chosen: list[Ranked]) -> list[Recalled]:
        recalled = []
        for item in chosen:
            experience = self._store.get(item.key)
            if experience is not None:  # forgotten by another process a moment ago
                recalled.append(
                    Recalled(experience=experience, similarity=item.similarity, weight=item.weight, probability=item.probability)
                )
        return recalled

    def get(self, key: str) -> Experience | None:
        """The experience of a key, or None."""
        return self._store.get(key)

    # Finding

    def _nearest(self, texts: list[str], extra: list[str], seq: int) -> Neighbours:
        service = self._service  # another thread may fall back while this one waits for its answer
        if service is not None:
            try:
                found = self._ask(service, texts, extra, seq)
                if service.note and service.note != self.note:
                    self._say(service.note)
                return found
            except IndexBehind as error:  # this once; it is not broken
                note = (
                    f"{error} Until it is there, the memory searches by hashed words; after a large import, run `gome memory rebuild` once."
                )
                if "still has" not in self.note:
                    self._say(note)
            except IndexUnavailable as error:
                self._fall_back(str(error))
        with self._lock:
            if self._exact is None:
                self._exact = self._exact_index(FALLBACK)
            return self._ask(self._exact, texts, extra, seq)

    def _ask(self, index: Index, texts: list[str], extra: list[str], seq: int) -> Neighbours:
        limit = self._config.neighbours
        return index.nearest(texts, successes=limit, failures=limit, extra=sorted(set(extra)), seq=seq)

    def _exact_index(self, name: str) -> ExactIndex:
        return ExactIndex(self._store, CachedEmbedding(name, load(name)))

    def _fall_back(self, reason: str) -> None:
        service, self._service = self._service, None
        if service is not None:
            service.close()
        self._say(f"The memory searches by hashed words instead of meaning from here on: {reason}")

    def _say(self, note: str) -> None:
        self.note = note
        log.warning("%s", note)

    def status(self) -> dict[str, object]:
        """How the index stands: ``index``, ``experiences`` and, with a service, its pid, memory, sequence number and rows."""
        facts: dict[str, object] = {
            "index": "exact" if self._service is None else "chroma",
            "experiences": self._store.count(),
            "note": self.note,
        }
        return facts | (self._service.ask("status", seq=self._store.last_seq()) if self._service is not None else {})

    def browse(self, *, text: str = "", verdict: str | None = None, offset: int = 0, limit: int = 50) -> tuple[int, list[Experience]]:
        """How many experiences hold `text` and have that verdict, and `limit` of them from `offset` on, largest gain first."""
        return self._store.browse(text=text, verdict=verdict, offset=offset, limit=limit)

    def rebuild(self) -> int:
        """Throw the index away and build it again from the truth; returns its rows (distinct hypothesis and outcome).

        Raises
        ------
        IndexUnavailable
            If there is no index service to be had.
        """
        if self._service is None:
            raise IndexUnavailable(self.note or "This memory is searched exactly; it has no index to rebuild.")
        answer = self._service.ask("rebuild", seq=self._store.last_seq())
        while answer["behind"]:
            answer = self._service.ask("status", seq=self._store.last_seq())
        return int(answer["count"])

    def close(self) -> None:
        """Let go of the database and of the index service, which ends if nobody else uses it."""
        if self._service is not None:
            self._service.close()
        self._store.close()


def _by_similarity(texts: Mapping[str, tuple[float, ...]], column: int) -> list[tuple[str, tuple[float, ...]]]:
    return sorted(texts.items(), key=lambda item: (-item[1][column], item[0]))


def open_memory(
    path: Path | str, *, index: Literal["chroma", "exact"] = "chroma", embedding: str | Embedding | None = None
) -> SuccessMemory:
    """A memory directory, opened for reading and writing; made if it is missing.

    Examples
    --------
    ``memory = open_memory("runs/titanic/memory"); momentum = memory.recall(query)``
    """
    return SuccessMemory(Path(path), MemoryConfig(index=index), embedding)
