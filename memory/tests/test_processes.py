"""Several processes, killed ones among them: nothing acknowledged is lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gome_graph.testing.memories import experience, query
from gome_memory import wire
from gome_memory.memory import SuccessMemory
from gome_memory.store import Store

WORKER = Path(__file__).with_name("worker.py")


def start(directory: Path, name: str, count: int, *flags: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(WORKER), str(directory), name, str(count), *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_until(condition: object, seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def vanish(directory: Path) -> None:
    """Remove a directory that a service may still be writing into."""

    def gone() -> bool:
        shutil.rmtree(directory, ignore_errors=True)
        return not directory.exists()

    assert wait_until(gone)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def pid_of(memory: SuccessMemory) -> int:
    return int(str(memory.status()["pid"]))


def test_eight_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    writers = [start(tmp_path, f"run{n}", 25) for n in range(8)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 8
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    store = Store(tmp_path)
    assert {item.key for item in store.select()} == {f"run{n}/0/t0-{i}" for n in range(8) for i in range(25)}
    assert [change.seq for change in store.changes(0, 1000)] == list(range(1, 201))
    store.close()


def test_a_killed_writer_loses_nothing_it_was_told_is_safe(tmp_path: Path) -> None:
    writer = start(tmp_path, "run", 100_000)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(40)]
    writer.kill()
    acknowledged += [line.strip() for line in writer.stdout.read().splitlines() if line.endswith(tuple("0123456789"))]
    writer.wait(timeout=10)
    writer.stdout.close()
    store = Store(tmp_path)
    kept = {item.key for item in store.select()}
    # The last line may have been cut by the kill; what was printed whole was remembered before.
    assert set(acknowledged[:-1]) <= kept
    assert len(kept) >= 40
    store.write([experience(1)])  # and the next one writes on
    store.close()


def test_writers_with_an_index_service_share_one(tmp_path: Path) -> None:
    writers = [start(tmp_path, f"run{n}", 5, "--chroma") for n in range(3)]
    memory = SuccessMemory(tmp_path)
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 3
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    assert memory.recall(query(0)).considered == 15
    status = memory.status()
    assert (status["index"], status["seq"]) == ("chroma", 15)
    memory.close()


def test_a_killed_index_service_is_replaced(tmp_path: Path) -> None:
    memory = SuccessMemory(tmp_path)
    for number in range(4):
        memory.remember(experience(number))
    before = memory.recall(query(1))
    first = pid_of(memory)
    os.kill(first, signal.SIGKILL)
    memory.remember(experience(4, topic=5))
    after = memory.recall(query(1))
    assert pid_of(memory) != first
    assert (before.considered, after.considered) == (4, 5)
    assert memory.note == ""
    memory.close()


def test_the_service_ends_with_the_last_goodbye(tmp_path: Path) -> None:
    one, two = SuccessMemory(tmp_path), SuccessMemory(tmp_path)
    one.remember(experience(1))
    two.recall(query(1))
    pid = pid_of(one)
    one.close()
    time.sleep(0.3)
    assert alive(pid), "another client is still connected"
    two.close()
    assert wait_until(lambda: not alive(pid), 3.0)


CLIENT = """
import sys, time
from pathlib import Path
from gome_graph.testing.memories import experience, query
from gome_memory.memory import MemoryConfig, SuccessMemory
memory = SuccessMemory(Path(sys.argv[1]), MemoryConfig(idle_seconds=0.5))
memory.remember(experience(1))
memory.recall(query(1))
print(memory.status()["pid"], flush=True)
time.sleep(600)
"""


def test_the_service_ends_when_its_clients_were_killed(tmp_path: Path) -> None:
    client = subprocess.Popen([sys.executable, "-c", CLIENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    pid = int(client.stdout.readline())
    assert alive(pid)
    client.kill()
    client.wait()
    assert wait_until(lambda: not alive(pid), 30.0)


def test_the_service_ends_when_its_directory_vanishes(tmp_path: Path) -> None:
    memory = SuccessMemory(tmp_path / "memory")
    memory.remember(experience(1))
    memory.recall(query(1))
    pid = pid_of(memory)
    vanish(tmp_path / "memory")
    assert wait_until(lambda: not alive(pid), 10.0)
    assert not (tmp_path / "memory").exists()


def test_a_memory_made_anew_at_the_same_path_is_not_confused_with_the_old_one(tmp_path: Path) -> None:
    old = SuccessMemory(tmp_path / "memory", embedding="hash")
    for number in range(3):
        old.remember(experience(number))
    old.recall(query(1))
    vanish(tmp_path / "memory")
    new = SuccessMemory(tmp_path / "memory", embedding="hash")
    new.remember(experience(5))
    assert new.recall(query(5)).considered == 1
    new.close()
    old.close()


def test_a_wrong_key_gets_no_answer(tmp_path: Path) -> None:
    import socket

    memory = SuccessMemory(tmp_path, embedding="hash")
    memory.remember(experience(1))
    memory.recall(query(1))
    path = wire.socket_path(wire.index_directory(tmp_path, "hash"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.settimeout(5)
        stranger.connect(str(path))
        wire.send(stranger, {"v": wire.PROTOCOL, "key": "guess", "op": "status", "seq": 0})
        assert wire.receive(stranger) == {"refused": "wrong key"}
    memory.close()


@pytest.mark.parametrize(
    "garbage", [b"\x00\x00\x00\x05hello", b"\xff\xff\xff\xff", b"\x00\x00", b"\x00\x00\x00\x02[]", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_nonsense_on_the_socket_does_not_end_the_service(tmp_path: Path, garbage: bytes) -> None:
    import socket

    memory = SuccessMemory(tmp_path, embedding="hash")
    memory.remember(experience(1))
    memory.recall(query(1))
    pid = pid_of(memory)
    path = wire.socket_path(wire.index_directory(tmp_path, "hash"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.connect(str(path))
        stranger.sendall(garbage)
    assert memory.recall(query(1)).considered == 1
    assert pid_of(memory) == pid
    memory.close()


def test_the_socket_is_private(tmp_path: Path) -> None:
    path = wire.socket_path(tmp_path / ("long" * 40))
    assert len(str(path)) < 108
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_remember_does_not_wait_for_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A service that never answers: the lock is held, nobody listens.
    directory = wire.index_directory(tmp_path, "hash")
    directory.mkdir(parents=True)
    hold = "import fcntl,sys,time; f=open(sys.argv[1],'a'); fcntl.flock(f, 2); print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(directory / "lock")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    monkeypatch.setattr("gome_memory.client.START_SECONDS", 2.0)
    memory = SuccessMemory(tmp_path, embedding="hash")
    begin = time.monotonic()
    memory.remember(experience(1))
    assert time.monotonic() - begin < 1.0
    momentum = memory.recall(query(1))
    assert momentum.considered == 1
    assert "hashed words" in memory.note
    holder.kill()
    holder.wait()
    holder.stdout.close()
    memory.close()


def test_no_service_is_started_for_an_empty_memory(tmp_path: Path) -> None:
    memory = SuccessMemory(tmp_path)
    memory.recall(query(1))
    memory.close()
    assert not (tmp_path / "index").exists()


def test_the_orchestrator_side_imports_nothing_heavy() -> None:
    heavy = "('chromadb', 'onnxruntime', 'tokenizers')"
    code = f"import sys, gome_memory.plugin, gome_memory.memory; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
