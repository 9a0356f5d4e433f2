"""A real LangGraph server process, in the environment that requirements/server.txt describes."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = Path(os.environ.get("GOME_SERVER_VENV", ROOT / ".venv-server"))
"""Made by ``make server-venv``: langgraph-api pins its neighbours too tightly for the environment of the tests."""
PATIENCE = 240
"""Seconds until a server must answer, on a busy machine."""


class Server:
    """`langgraph dev` in a folder, to be started, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "langgraph.json").write_text(json.dumps(here(json.loads((ROOT / "langgraph.json").read_text()))))

    def start(self) -> None:
        command = [
            str(ENVIRONMENT / "bin" / "langgraph"), "dev", "--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", str(self._port),
            "--n-jobs-per-worker", "4",
        ]  # fmt: skip
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # no key, no licence, no proxy
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env={**kept, "GOME_PLUGINS": ""}, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log()[-3000:]
            try:
                if httpx.get(f"{self.url}/ok", timeout=5).status_code == 200:
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

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")


def here(config: dict[str, object]) -> dict[str, object]:
    """The repository's langgraph.json, with its paths made absolute so that it can be served from a folder of its own."""
    text = json.dumps(config).replace('"./', f'"{ROOT}/')
    return {**json.loads(text), "dependencies": ["."]}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server."""
    if not (ENVIRONMENT / "bin" / "langgraph").exists():
        pytest.skip(f"NOT TESTED: there is no LangGraph server in {ENVIRONMENT}; make one with: make server-venv")
    server = Server(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.kill()
