"""Ctrl-C and SIGTERM, in real processes."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_run import build

PROGRAM = """
import subprocess, sys, time
from pathlib import Path
from gome_graph.cli import output
from gome_graph.cli.running import carry_out, last_words
from gome_graph.run import RunDirectory, RunResult

run = RunDirectory(Path(sys.argv[1]))
events = list(run.events())

def begin(observers, stopped):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("CHILD", child.pid, file=sys.stderr, flush=True)
    for event in events:
        for observer in observers:
            observer(event)
    deadline = time.monotonic() + 30
    while (not stopped() or sys.argv[2] == "stubborn") and time.monotonic() < deadline:
        time.sleep(0.02)
    child.kill()
    return RunResult(status="stopped" if stopped() else "done", run_dir=run.root, step="t0-0", steps=6, accepted=3, spent_seconds=5.0)

result = carry_out(begin, run.root)
last_words(result)
raise SystemExit(result.exit_code)
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Started processes; none survives the test."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def begin(tmp_path: Path, manner: str, stdout: int = subprocess.PIPE) -> "tuple[subprocess.Popen[bytes], int]":
    run = build(tmp_path / "run", per_trace=2, finished=False)
    env = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(run.root), manner], stdout=stdout, stderr=subprocess.PIPE, env=env)
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    assert line.startswith("CHILD"), line
    time.sleep(0.3)
    return process, int(line.split()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_ends_the_run_in_order(tmp_path: Path, running: list[subprocess.Popen[bytes]], number: int) -> None:
    process, _ = begin(tmp_path, "willing")
    running.append(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"stopping" in err
    assert b"the best so far is saved" in out
    assert (tmp_path / "run" / "report.html").exists()


def test_twice_ends_at_once_and_leaves_no_child(tmp_path: Path, running: list[subprocess.Popen[bytes]]) -> None:
    import psutil

    process, child = begin(tmp_path, "stubborn")
    running.append(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert time.monotonic() - start < 3
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def read_all(master: int, process: subprocess.Popen[bytes]) -> str:
    text = b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            text += chunk
        elif process.poll() is not None:
            break
    return text.decode(errors="replace")


@pytest.mark.parametrize("manner", ["willing", "stubborn"])
def test_the_terminal_is_given_back(tmp_path: Path, running: list[subprocess.Popen[bytes]], manner: str) -> None:
    master, slave = pty.openpty()
    process, _ = begin(tmp_path, manner, stdout=slave)
    running.append(process)
    os.close(slave)
    process.send_signal(signal.SIGINT)
    if manner == "stubborn":
        time.sleep(0.8)
        process.send_signal(signal.SIGINT)
    text = read_all(master, process)
    os.close(master)
    process.wait(timeout=20)
    assert process.returncode == 130
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
