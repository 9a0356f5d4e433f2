"""The bank keeps everything once, says who changed what, and survives being killed."""

import multiprocessing
import os
import signal
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gome_graph.errors import RunError, TaskError
from gome_guard.bank import FILE_NAME, SEALED_NAME, Bank, migrate
from gome_guard.migrations import MIGRATIONS
from gome_guard.records import Feedback, Incident, RPSample, Status, Tier

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def incident(n: int) -> Incident:
    return Incident(id=f"i{n}", request=f"r{n}", at=NOW, expected=["a"])


def sample(n: int) -> RPSample:
    return RPSample(id=f"s{n}", request=f"r{n}", candidates=["a", "b"], accept=["a"], reject=["b"], tier=Tier.B, at=NOW)


def test_the_same_twice_changes_nothing(tmp_path: Path) -> None:
    with Bank(tmp_path, create=True) as bank:
        assert bank.add_incidents([incident(1), incident(2)]) == 2
        before = bank.events()
        assert bank.add_incidents([incident(1), incident(2)]) == 0
        bank.put_samples([sample(1)])
        bank.put_samples([sample(1)])
        assert len(bank.events()) == len(before) + 1


def test_another_incident_under_a_used_id_is_refused_and_nothing_of_the_batch_is_kept(tmp_path: Path) -> None:
    with Bank(tmp_path, create=True) as bank:
        bank.add_incidents([incident(1)])
        with pytest.raises(TaskError, match="'i1' is in the bank already"):
            bank.add_incidents([incident(3), incident(1).model_copy(update={"expected": ["b"]})])
        assert bank.count("incidents") == 1


def test_every_change_of_a_sample_is_in_the_trail(tmp_path: Path) -> None:
    with Bank(tmp_path, create=True) as bank:
        bank.put_samples([sample(1)])
        bank.set_status(["s1"], Status.DISPUTED, "stood against three better candidates", by="kim")
        last = bank.events()[-1]
        assert (last.kind, last.detail["by"], last.detail["before"]) == ("sample_disputed", "kim", "active")
        assert bank.samples(status=Status.DISPUTED)[0].id == "s1"
        bank.verify()


def test_a_trail_that_was_tampered_with_shows(tmp_path: Path) -> None:
    with Bank(tmp_path, create=True) as bank:
        bank.add_incidents([incident(n) for n in range(5)])
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("UPDATE events SET key = 'i9' WHERE seq = 3")
    with Bank(tmp_path) as bank, pytest.raises(RunError, match="broken at event 3"):
        bank.verify()


def test_an_old_bank_is_brought_up_to_date_and_a_newer_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path, isolation_level=None) as db:
        for statement in MIGRATIONS[0]:
            db.execute(statement)
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO incidents VALUES (?, ?)", ("i1", incident(1).model_dump_json()))
    with Bank(tmp_path) as bank:
        assert bank.incidents() == [incident(1)]
        assert bank.add_verdict("v", "{}")
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        db.execute("PRAGMA user_version = 99")
        with pytest.raises(RunError, match="schema 99"):
            migrate(db, path)


def test_there_is_no_bank_until_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no bank"):
        Bank(tmp_path)


def test_the_sealed_part_is_a_database_of_its_own(tmp_path: Path) -> None:
    with Bank(tmp_path, create=True) as bank, Bank(tmp_path, create=True, sealed=True) as sealed:
        sealed.put_samples([sample(7)])
        assert bank.samples() == []
    assert (tmp_path / SEALED_NAME).stat().st_mode & 0o077 == 0


def _write(root: Path, start: int, stop: int) -> None:
    with Bank(root, create=True) as bank:
        for n in range(start, stop):
            bank.add_incidents([incident(n)])


@pytest.mark.slow
def test_three_writers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    Bank(tmp_path, create=True).close()
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, 1000 * n, 1000 * n + 1000)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Bank(tmp_path) as bank:
        assert {i.id for i in bank.incidents()} == {f"i{n}" for n in range(3000)}
        assert bank.count("events") == 3000
        bank.verify()


def test_kill_nine_leaves_each_change_with_its_event_or_neither(tmp_path: Path) -> None:
    Bank(tmp_path, create=True).close()
    context = multiprocessing.get_context("fork")
    for round_ in range(20):
        writer = context.Process(target=_write, args=(tmp_path, 0, 2000))
        writer.start()
        time.sleep(0.03 + 0.004 * round_)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        with Bank(tmp_path) as bank:
            bank.verify()
            assert [event.key for event in bank.events()] == [item.id for item in bank.incidents()]


def test_feedback_comes_back_in_the_order_of_time(tmp_path: Path) -> None:
    rows = [
        Feedback(id=f"r{n}", at=NOW.replace(hour=n), policy="v", candidates=["a"], action="a", propensity=1, reward=0) for n in (3, 1, 2)
    ]
    with Bank(tmp_path, create=True) as bank:
        bank.add_feedback(rows)
        assert [row.id for row in bank.feedback()] == ["r1", "r2", "r3"]
