"""The measuring process, on commands whose cost is known."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

MEASURE = Path(__file__).resolve().parents[2] / "benchmarks" / "automl" / "measure.py"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="adopts orphans with Linux's subreaper")


def measured(folder: Path, code: str, timeout: float = 20) -> dict[str, Any]:
    core = str(min(os.sched_getaffinity(0)))
    subprocess.run([sys.executable, str(MEASURE), str(folder / "m.json"), core, str(timeout), "--", sys.executable, "-c", code], check=True)
    return dict(json.loads((folder / "m.json").read_text()))


def test_memory_and_cores_of_a_grandchild_count(tmp_path: Path) -> None:
    inner = "import os, time; block = b'1' * (150 << 20); assert len(os.sched_getaffinity(0)) == 1; time.sleep(1)"
    value = measured(tmp_path, f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {inner!r}]).returncode)")
    assert value["exit_code"] == 0
    assert 150 <= value["peak_memory_mb"] < 300


def test_an_orphan_is_charged_and_ended(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    burn = (
        f"import os, time, pathlib; pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
        "while time.process_time() < 0.5: pass\n"
        "time.sleep(60)"
    )
    start = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', BURN], start_new_session=True); time.sleep(4)"
    value = measured(tmp_path, f"BURN = {burn!r}\n{start}")
    assert value["cpu_seconds"] >= 0.5
    assert not psutil.pid_exists(int(note.read_text()))


def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    value = measured(tmp_path, "import time; time.sleep(60)", timeout=1)
    assert value["timed_out"]
    assert value["exit_code"] is None
    assert value["wall_seconds"] < 10
