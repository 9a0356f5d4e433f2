"""The index is derived: damaged, stale, missing or of another embedding, it comes back from the store."""

import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from gome_graph.errors import BudgetExceeded, GomeError, RunError
from gome_graph.records import Component, Hypothesis, Momentum
from gome_graph.testing.memories import experience, hypothesis, query
from gome_memory import minilm
from gome_memory.embedding import CachedEmbedding, load
from gome_memory.errors import IndexUnavailable, storage_error
from gome_memory.memory import MemoryConfig, SuccessMemory
from gome_memory.store import Store, text_id

needs_weights = pytest.mark.skipif(bool(minilm.missing()), reason="the embedding weights are not installed")


def filled(directory: Path, count: int = 60, embedding: str = "hash") -> SuccessMemory:
    memory = SuccessMemory(directory, embedding=embedding)
    memory.remember_all(various(count))
    return memory


def various(count: int) -> list[object]:
    """Experiences whose texts all differ, a third of them failures."""
    told = []
    for number in range(count):
        base = hypothesis(number)
        own = base.model_copy(update={"title": f"{base.title} with column {number}"})
        told.append(experience(number, hypothesis=own, gain=(number % 7) / 3 - 1, accepted=number % 3 != 0))
    return told


def answers(memory: SuccessMemory) -> list[Momentum]:
    return [memory.recall(query(topic, steps=steps, seed=topic)) for topic in range(6) for steps in (0, 20)]


def index_of(directory: Path, embedding: str = "hash") -> Path:
    return directory / "index" / embedding


def test_rebuilding_changes_no_ranking(tmp_path: Path) -> None:
    memory = filled(tmp_path, 400)
    before = answers(memory)
    assert memory.rebuild() == 400
    assert answers(memory) == before
    memory.close()


def test_exact_search_finds_what_comparing_every_pair_finds(tmp_path: Path) -> None:
    memory = SuccessMemory(tmp_path, MemoryConfig(index="exact", embedding="hash", neighbours=5))
    told = various(300)
    for part in (told[:100], told[100:], told[50:60]):  # grows between questions
        memory.remember_all(part)
        memory.recall(query(0))
    embed = load("hash")
    index = memory._exact
    assert index is not None
    asked = [item.hypothesis.text for item in told[::60]]
    found = index.nearest(asked, successes=5, failures=5, extra=[], seq=memory._store.last_seq())
    for outcome, near in ((True, found.successes), (False, found.failures)):
        texts = sorted({item.hypothesis.text for item in told if item.success is outcome})
        table = np.round(embed(texts).astype(np.float64) @ embed(asked).astype(np.float64).T, 6)
        for column in range(len(asked)):
            order = sorted(range(len(texts)), key=lambda row: (-table[row, column], text_id(texts[row])))
            assert {text_id(texts[row]) for row in order[:5]} <= set(near)
        assert all(near[text_id(text)] == tuple(row) for text, row in zip(texts, table.tolist(), strict=True) if text_id(text) in near)
    memory.close()


def test_chroma_and_exact_search_agree(tmp_path: Path) -> None:
    memory = filled(tmp_path, 400)
    exact = SuccessMemory(tmp_path, MemoryConfig(index="exact", embedding="hash"))
    assert answers(memory) == answers(exact)
    memory.close()
    exact.close()


@pytest.mark.parametrize("damage", [pytest.param("garbage", marks=pytest.mark.slow), "deleted", "database", "emptied", "state"])
def test_a_damaged_index_is_built_again_with_a_warning(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    memory = filled(tmp_path, 1500 if damage == "garbage" else 60)  # Chroma writes its graph to disk every 1,000 rows
    before = answers(memory)
    memory.close()
    index = index_of(tmp_path)
    folder = next(index.glob("chroma-*"))
    if damage == "garbage":
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            path.write_bytes(os.urandom(path.stat().st_size))
    elif damage == "deleted":
        shutil.rmtree(folder)
    elif damage == "database":
        os.truncate(folder / "chroma.sqlite3", 20_000)
    elif damage == "emptied":
        (folder / "chroma.sqlite3").write_bytes(b"")
    else:
        (index / "state.json").write_text('{"store_id": ')
    memory = SuccessMemory(tmp_path, embedding="hash")
    with caplog.at_level(logging.WARNING):
        after = answers(memory)
    assert after == before
    assert "damaged" in memory.note
    assert sum("damaged" in record.message for record in caplog.records) == 1
    memory.close()


@pytest.mark.slow
def test_a_damaged_graph_of_vectors_is_noticed(tmp_path: Path) -> None:
    memory = filled(tmp_path, 1500)
    before = answers(memory)
    memory.close()
    for path in index_of(tmp_path).glob("chroma-*/*/*.bin"):
        path.write_bytes(os.urandom(path.stat().st_size))
    memory = SuccessMemory(tmp_path, embedding="hash")
    assert answers(memory) == before
    memory.close()


def test_a_damaged_cache_of_vectors_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "vectors.sqlite"
    for _ in range(2):
        cache = CachedEmbedding("hash", load("hash"), file)
        vectors = cache(["one", "two", "one"])
        cache.close()
        file.write_bytes(b"not a database" * 1000)
    assert vectors.shape == (3, 512)
    assert (vectors[0] == vectors[2]).all()


def test_vectors_are_computed_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def counting(texts: list[str]) -> object:
        asked.extend(texts)
        return load("hash")(texts)

    for _ in range(2):
        cache = CachedEmbedding("counting", counting, tmp_path / "vectors.sqlite")
        cache(["one", "two"])
        cache(["two", "one"])
        cache.close()
    assert asked == ["one", "two"]


@needs_weights
def test_another_embedding_gets_an_index_of_its_own(tmp_path: Path) -> None:
    hashed, meaning = filled(tmp_path, 20), SuccessMemory(tmp_path)
    same_idea = Hypothesis(title="Average diverse learners", rationale="Uncorrelated mistakes cancel out.", component=Component.ENSEMBLE)
    one, other = (memory.recall(query(hypotheses=[same_idea])) for memory in (hashed, meaning))
    assert one.considered == other.considered == 20
    assert one.successes[0].similarity != other.successes[0].similarity
    assert {path.name for path in (tmp_path / "index").iterdir()} == {"hash", "minilm"}
    hashed.close()
    meaning.close()


@needs_weights
def test_the_packaged_embedding_finds_paraphrases() -> None:
    embedding = load("minilm")
    told = ["Blend the linear and the boosted model", "Predict the logarithm of the target", "Use character n-grams of the text"]
    asked = [
        "Ensemble a linear model with gradient boosting",
        "Log-transform the target before fitting",
        "Add character level features of text",
    ]
    similarities = embedding(told) @ embedding(asked).T
    assert similarities.argmax(axis=0).tolist() == [0, 1, 2]


@needs_weights
def test_a_vector_does_not_depend_on_its_neighbours() -> None:
    embedding = load("minilm")
    assert (embedding(["short", "a much longer text about gradient boosting and its many settings"])[0] == embedding(["short"])[0]).all()


def test_weights_of_another_model_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "model.onnx"
    fake.write_bytes(b"something else")
    monkeypatch.setattr(minilm, "model_file", lambda: fake)
    with pytest.raises(IndexUnavailable, match="not the expected model"):
        minilm.MiniLM()


def test_without_weights_recall_falls_back_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(minilm.OFF_SWITCH, "1")
    with caplog.at_level(logging.WARNING):
        memory = SuccessMemory(tmp_path)
        memory.remember_all(various(30))
        assert memory.recall(query(1)).considered == 30
        assert memory.recall(query(2)).successes
    assert "weights are not installed" in memory.note
    assert len([record for record in caplog.records if "hashed words" in record.message]) == 1
    assert not (tmp_path / "index").exists()
    memory.close()


def test_a_service_that_cannot_start_is_replaced_by_exact_search(tmp_path: Path) -> None:
    memory = SuccessMemory(tmp_path, embedding="an-embedding-nobody-offers")
    memory.remember(experience(1))
    assert memory.recall(query(1)).considered == 1
    assert "an-embedding-nobody-offers" in memory.note
    memory.close()


def test_forgetting_and_restoring_reach_the_index(tmp_path: Path) -> None:
    memory = filled(tmp_path, 6)
    best = memory.recall(query(2)).successes[0].experience.key
    other = Store(tmp_path)
    assert other.forget(best)
    assert best not in [item.experience.key for item in memory.recall(query(2)).successes]
    assert memory.recall(query(2)).considered == 5
    assert other.restore(best)
    assert memory.recall(query(2)).considered == 6
    other.close()
    memory.close()


def test_many_experiences_of_one_hypothesis_take_one_row(tmp_path: Path) -> None:
    memory = SuccessMemory(tmp_path, embedding="hash")
    memory.remember_all([experience(number, topic=0, gain=number / 10) for number in range(80)])
    assert memory.recall(query(0)).successes[0].experience.key == "run/0/t0-79"
    assert memory.status()["count"] == 1
    memory.close()


def test_failures_of_one_hypothesis_are_shown_once(tmp_path: Path) -> None:
    memory = SuccessMemory(tmp_path, MemoryConfig(index="exact", embedding="hash"))
    memory.remember_all([experience(number, topic=number // 5, accepted=False, gain=-number) for number in range(15)])
    failures = memory.recall(query(0)).failures
    assert sorted(text_id(item.experience.hypothesis.text) for item in failures) == sorted(
        text_id(hypothesis(topic).text) for topic in range(3)
    )
    memory.close()


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(BudgetExceeded, match=r"^The disk that holds the memory .* is full; free some space") as caught:
        store.write([experience(number, reason="x" * 5000) for number in range(50)])
    assert "\n" not in str(caught.value)
    assert store.select() == []
    store.close()


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError) as caught:
        SuccessMemory(tmp_path / "file" / "memory")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="cannot be written here"):
        SuccessMemory(tmp_path / "memory")


def test_a_read_only_database_is_one_sentence() -> None:
    import sqlite3

    error = storage_error(sqlite3.OperationalError("attempt to write a readonly database"), Path("/data/memory"))
    assert isinstance(error, GomeError)
    assert str(error).startswith("The memory /data/memory cannot be written here")


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "experiences.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(RunError, match="is damaged"):
        SuccessMemory(tmp_path)


def test_a_memory_of_another_schema_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store._connection.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(RunError, match="schema 99"):
        Store(tmp_path)


def test_a_failed_batch_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def half() -> object:
        yield experience(1)
        raise ValueError("the second one is broken")

    with pytest.raises(ValueError, match="second one"):
        store.write(half())
    assert store.last_seq() == 0
    store.close()


def test_an_index_that_is_behind_is_replaced_for_the_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    memory = filled(tmp_path, 6)
    memory.recall(query(1))
    service = memory._service
    assert service is not None
    ask = service.ask
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr("gome_memory.client.CATCH_UP_SECONDS", 0.0)
        patched.setattr(service, "ask", lambda operation, **values: {"behind": 7} if operation == "nearest" else ask(operation, **values))
        assert memory.recall(query(1)).considered == 6
        assert memory.recall(query(2)).considered == 6
    assert len([record for record in caplog.records if "7 changes to read" in record.message]) == 1
    assert memory.recall(query(1)).considered == 6
    assert memory.status()["index"] == "chroma"
    memory.close()
