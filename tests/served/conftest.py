"""Real server processes: `langgraph dev`, and Aegra on a real Postgres."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds until a server must answer, on a busy machine."""


class Server(ABC):
    """A server process in a folder of its own, to be started, killed and started again."""

    alive: str
    """Path that answers once it serves."""
    takes_up: bool
    """Does it go on by itself with what it was doing when it was killed?"""
    ours = True
    """May it be killed?"""
    program: Path | None = None
    """What is started."""
    target = ""
    """The make target that puts it there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def missing(cls) -> str:
        """What is not there, in one sentence; empty if it can be started."""
        there = cls.program is None or cls.program.exists()
        return "" if there else f"there is no {cls.program}; make it with: make {cls.target}"

    @abstractmethod
    def command(self) -> list[str]:
        """What is run in the folder."""

    def variables(self) -> dict[str, str]:
        """What its environment has beside PATH, HOME and LANG: no key, no licence, no proxy."""
        return {}

    def start(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), cwd=self.folder, env={**kept, "GOME_PLUGINS": "", **self.variables()}, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log()[-3000:]
            try:
                if httpx.get(f"{self.url}{self.alive}", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.3)
        raise AssertionError(f"no answer within {PATIENCE} s: {self.log()[-3000:]}")

    def kill(self) -> None:
        """kill -9 of the whole tree."""
        if self._process is None:
            return
        try:
            tree = psutil.Process(self._process.pid)
            for part in [*tree.children(recursive=True), tree]:
                try:
                    part.send_signal(signal.SIGKILL)
                except psutil.NoSuchProcess:
                    continue
        except psutil.NoSuchProcess:
            pass
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """End it for good."""
        self.kill()

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")


class LangGraphDev(Server):
    """`langgraph dev`, in the environment that requirements/server.txt describes."""

    program = Path(os.environ.get("GOME_SERVER_VENV", ROOT / ".venv-server")) / "bin" / "langgraph"
    """In an environment of its own: langgraph-api pins its neighbours too tightly for that of the tests."""
    target = "server-venv"
    alive = "/ok"
    takes_up = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "langgraph.json").write_text(json.dumps(here(json.loads((ROOT / "langgraph.json").read_text()))))

    def command(self) -> list[str]:
        return [
            str(self.program), "dev", "--no-browser", "--no-reload", "--host", "127.0.0.1",
            "--port", str(self.port), "--n-jobs-per-worker", "4",
        ]  # fmt: skip


class Aegra(Server):
    """Aegra on a Postgres of its own, in the environment that requirements/aegra.txt describes."""

    program = Path(os.environ.get("GOME_AEGRA_VENV", ROOT / ".venv-aegra")) / "bin" / "uvicorn"
    target = "aegra-venv"
    alive = "/health"
    takes_up = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "aegra.json").write_text(json.dumps({"graphs": {"gome": f"{ROOT}/gome_graph/server/graph.py:graph"}}))
        self._database = Postgres()

    @classmethod
    def missing(cls) -> str:
        """The program, or Postgres."""
        if missing := super().missing():
            return missing
        return "" if Postgres.programs() else "there is no Postgres on this machine; install postgresql"

    def command(self) -> list[str]:
        return [str(self.program), "aegra_api.main:app", "--host", "127.0.0.1", "--port", str(self.port)]

    def variables(self) -> dict[str, str]:
        return {"AEGRA_CONFIG": str(self.folder / "aegra.json"), "DATABASE_URL": self._database.url}

    def close(self) -> None:
        self.kill()
        self._database.close()


class Foreign(Server):
    """A server that somebody else has started: GOME_SERVER_URL is its address, GOME_SERVER_ROOT the folder it works in, seen from here."""

    ours = False
    takes_up = True
    alive = ""

    def __init__(self, folder: Path) -> None:
        super().__init__(Path(os.environ.get("GOME_SERVER_ROOT", ".")).resolve())
        self.url = os.environ["GOME_SERVER_URL"].rstrip("/")

    def command(self) -> list[str]:
        raise RuntimeError("it is not ours to start")

    def start(self) -> None:
        pass

    def log(self) -> str:
        return ""


class Postgres:
    """A private cluster, reached through a port of its own; as root it runs as the user ``postgres``, for Postgres refuses root."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="gome-postgres-"))  # not below pytest's, which other users cannot enter
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user)
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        self.url = f"postgresql://gome@127.0.0.1:{port}/postgres"
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "gome")
        options = f"-p {port} -k {self._folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-D", data, "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    @staticmethod
    def programs() -> Path | None:
        """The folder of the newest Postgres."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]))
        return found[-1].parent if found else None

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self.programs()) + "/" + name, *arguments]
        subprocess.run(command, check=True, user=self._user, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")

    def close(self) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)


def here(config: dict[str, object]) -> dict[str, object]:
    """The repository's langgraph.json, with its paths made absolute so that it can be served from a folder of its own."""
    text = json.dumps(config).replace('"./', f'"{ROOT}/')
    return {**json.loads(text), "dependencies": ["."]}


SERVERS = {"langgraph": LangGraphDev, "aegra": Aegra, **({"foreign": Foreign} if "GOME_SERVER_URL" in os.environ else {})}


@pytest.fixture(params=SERVERS.values(), ids=SERVERS.keys())
def any_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Each of the servers, running."""
    yield from _running(request.param, tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """`langgraph dev`, running."""
    yield from _running(LangGraphDev, tmp_path)


def _running(kind: type[Server], folder: Path) -> Iterator[Server]:
    if missing := kind.missing():
        pytest.skip(f"NOT TESTED: {missing}")
    server = kind(folder)
    try:
        server.start()
        yield server
    finally:
        server.close()
