"""kill -9 of the whole tree in mid-run, then `gome resume`: nothing repeated, nothing lost."""

import collections
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil

from tests.e2e.conftest import Gome, events


def start(task: Path, out: Path, *extra: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gome_graph.cli", "run", str(task), "--out", str(out), "--traces", "2", "--quiet", *extra]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def wait_for(run: Path, kind: str, count: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        journal = run / "journal.jsonl"
        if journal.exists() and journal.read_text().count(f'"kind":"{kind}"') >= count:
            return
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    raise AssertionError(f"no {count} {kind} events within 120 s")


def kill_tree(process: "subprocess.Popen[bytes]") -> None:
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for part in tree:
        try:
            os.kill(part.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def orphans(run: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(run) in part for part in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:200])
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_a_killed_run_goes_on_where_it_was(task: Path, gome: Gome, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(task, out, "--max-steps", "4", "--budget", "120s")
    wait_for(out, "validated", 3, process)
    kill_tree(process)
    before = {p.parent.name: p.read_bytes() for p in out.glob("steps/*/execution.json")}
    verdicts = {p.parent.name: p.read_bytes() for p in out.glob("steps/*/verdict.json")}
    assert len(verdicts) >= 3

    done = gome("resume", out, "--json")

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "done"
    for name, content in before.items():
        assert (out / "steps" / name / "execution.json").read_bytes() == content
    for name, content in verdicts.items():
        assert (out / "steps" / name / "verdict.json").read_bytes() == content
    executed = collections.Counter(e["step"] for e in events(out) if e["kind"] == "executed")
    assert set(executed.values()) == {1}
    assert len(executed) == 8
    submission = pd.read_csv(out / "submission.csv")
    sample = pd.read_csv(task / "sample_submission.csv")
    assert list(submission["id"]) == list(sample["id"])
    assert submission["outcome"].between(0, 1).all()


def test_a_kill_of_the_orchestrator_alone_leaves_no_script_behind(task: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(task, out, "--budget", "120s")
    wait_for(out, "step_started", 1, process)
    time.sleep(1.0)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 15
    while orphans(out) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert orphans(out) == []


def test_after_the_first_acceptance_a_kill_leaves_a_valid_submission(task: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(task, out, "--budget", "120s")
    wait_for(out, "best", 1, process)
    kill_tree(process)
    submission = pd.read_csv(out / "submission.csv")
    assert list(submission["id"]) == list(pd.read_csv(task / "sample_submission.csv")["id"])
    compile((out / "solution.py").read_text(), "solution.py", "exec")
