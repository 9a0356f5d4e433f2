"""The memory contract through a real Chroma server; and what happens when it goes away."""

import hashlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gome_graph.errors import RunError
from gome_graph.hooks import Memory
from gome_graph.testing.memories import MemoryContract, experience, keys, query
from gome_memory.memory import MemoryConfig
from gome_memory.shared import Address, SharedMemory

EXACT = MemoryConfig(index="exact", embedding="hash")
pytestmark = pytest.mark.xdist_group("chroma-server")


class Server:
    """`chroma run` in a folder, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("chroma", path=str(Path(sys.executable).parent)) or "chroma"
        command = [program, "run", "--path", str(self.folder / "data"), "--host", "127.0.0.1", "--port", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/api/v2/heartbeat", timeout=2).raise_for_status()
                return
            except httpx.HTTPError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.1)
        raise AssertionError("the Chroma server did not answer within 60 s")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def address(self, name: str) -> str:
        return f"chroma://127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.kill()


@pytest.mark.slow
class TestShared(MemoryContract):
    """Every `make` has a mirror of its own, as another machine has: what is seen comes over the server."""

    @pytest.fixture(autouse=True)
    def on(self, server: Server) -> None:
        self.server = server

    def make(self, path: Path) -> Memory:
        name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        return SharedMemory(self.server.address(name), path / uuid.uuid4().hex, EXACT)


def test_eight_writers_at_once_lose_nothing(server: Server, tmp_path: Path) -> None:
    address = server.address("writers")

    def write(writer: int) -> None:
        memory = SharedMemory(address, tmp_path / str(writer), EXACT)
        for number in range(12):
            memory.remember(experience(number, key=f"run{writer}/0/t0-{number}"))
        memory.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = SharedMemory(address, tmp_path / "reader", EXACT)
    reader.sync()
    found = [reader._local.get(f"run{writer}/0/t0-{number}") for writer in range(8) for number in range(12)]
    assert all(found)
    reader.close()


def test_kill_9_of_the_server_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    writer = SharedMemory(server.address("x"), tmp_path / "writer", EXACT)
    for number in range(20):
        writer.remember(experience(number))
    server.kill()

    writer.remember(experience(20))  # the run goes on
    assert writer.recall(query(1)).considered > 0
    assert "cannot be reached" in writer.note
    writer.close()

    server.start()
    again = SharedMemory(server.address("x"), tmp_path / "writer", EXACT)
    again.sync()
    reader = SharedMemory(server.address("x"), tmp_path / "reader", EXACT)
    reader.sync()
    assert all(reader._local.get(f"run/0/t0-{number}") for number in range(21))
    again.close()
    reader.close()
    server.kill()


def test_a_row_that_a_slow_clock_stamped_is_found_by_the_count(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = server.address("clocks")
    quick, slow = SharedMemory(address, tmp_path / "quick", EXACT), SharedMemory(address, tmp_path / "slow", EXACT)
    quick.remember(experience(1))
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000_000_000_000)  # the year 2001
    slow.remember(experience(2))
    monkeypatch.undo()
    assert keys(quick.recall(query(2)))[0] == "run/0/t0-2" or quick.recall(query(2)).considered == 2
    quick.close()
    slow.close()


def test_memories_of_other_names_are_apart(server: Server, tmp_path: Path) -> None:
    one, other = (
        SharedMemory(server.address("one"), tmp_path / "one", EXACT),
        SharedMemory(server.address("other"), tmp_path / "other", EXACT),
    )
    one.remember(experience(1))
    assert other.recall(query(1)).considered == 0
    one.close()
    other.close()


def test_a_server_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(RunError, match=f"no Chroma server answers at chroma://127.0.0.1:{port}/default"):
        SharedMemory(f"chroma://127.0.0.1:{port}", tmp_path, EXACT)


@pytest.mark.parametrize(
    "text", ["chroma://", "http://host", "chroma://host:0", "chroma://host:99999", "chroma://host/a b", "chroma://h/../x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="is no address of a shared memory"):
        Address.parse(text)


def test_addresses_are_read() -> None:
    assert str(Address.parse("chroma://memory.internal")) == "chroma://memory.internal:8000/default"
    assert Address.parse("chroma+https://h:1/team") == Address("h", 1, True, "team")
