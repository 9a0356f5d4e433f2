"""``gome bench`` through the real command line: killed in the middle, it goes on and ends with the same table."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from gome_graph.bench.rows import CLOCK

FLAGS = ["bench", "linear", "--strategies", "gradient,random", "--seeds", "1", "--steps", "2", "--quiet"]


def gome(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "gome_graph.cli", *map(str, arguments)], capture_output=True, text=True, timeout=600,
                          check=False)  # fmt: skip


def table(out: Path) -> list[dict[str, object]]:
    rows = pd.read_parquet(out / "rows.parquet")
    return json.loads(rows.drop(columns=[name for name in CLOCK if name in rows]).to_json(orient="records"))


def kill_in_the_middle(out: Path) -> None:
    """Start the bench, and kill -9 it with all its runs while its second run is on its way."""
    process = subprocess.Popen([sys.executable, "-m", "gome_graph.cli", *FLAGS, "--out", str(out)], start_new_session=True)
    deadline = time.monotonic() + 500
    while len(list(out.glob("runs/*/steps/*/verdict.json"))) < 3:
        assert process.poll() is None, "the bench ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for part in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        try:
            os.kill(part.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_bench_killed_in_the_middle_goes_on_and_gives_the_same_table(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kill_in_the_middle(killed)
    verdicts = {path: path.read_bytes() for path in killed.glob("runs/*/steps/*/verdict.json")}
    assert not (killed / "rows.parquet").exists()

    done = gome(*FLAGS, "--out", killed, "--json")

    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in verdicts} == verdicts, "what was judged is not judged again"
    assert gome(*FLAGS, "--out", whole).returncode == 0
    assert table(killed) == table(whole)
    assert len(table(whole)) == 2
    page = (killed / "bench.html").read_text()
    assert "Plotly" in page
    assert 'src="http' not in page, "the page needs nothing from elsewhere"
    result = json.loads(done.stdout)
    assert [arm["arm"] for arm in result["arms"]] == ["gradient", "random"]


@pytest.mark.parametrize("installed", [True, False])
def test_tables_are_parquet_or_csv_and_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    from gome_graph.bench import tables

    if not installed:
        monkeypatch.setattr(tables, "find_spec", lambda name: None)
    files = tables.write_tables(tmp_path, [{"task": "a", "score": 0.5}], [{"task": "a", "n": 1}])
    read = pd.read_parquet if installed else pd.read_csv
    assert list(read(files["rows"])["score"]) == [0.5]
    assert ("gome-graph[bench]" in (tables.note() or "")) is not installed


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["no-such-suite"], "built-in suites"),
        (["linear", "--strategies", "gradeint"], "gradeint"),
        (["linear", "--reasoners", "rules@7"], "rules@7"),
        (["linear", "--ablations", "no-idea"], "no-idea"),
        (["linear", "--seeds", "x"], "--seeds"),
        (["linear", "--strategies", ","], "--strategies"),
    ],
)
def test_a_wrong_flag_is_refused_by_name_and_leaves_nothing(tmp_path: Path, flags: list[str], names: str) -> None:
    done = gome("bench", *flags, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert names in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_another_bench_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    from gome_graph.bench.plan import Plan, settle
    from gome_graph.errors import TaskError

    plan = Plan(suite="linear", tasks={"linear": "x"}, strategies=["gradient"], reasoners=["rules"], ablations=["full"], seeds=[0],
                budget_seconds=60, steps=3, traces=1, cpus=None, executor="local")  # fmt: skip
    settle(plan, tmp_path)
    settle(plan, tmp_path)
    with pytest.raises(TaskError, match="steps"):
        settle(plan.model_copy(update={"steps": 4}), tmp_path)
