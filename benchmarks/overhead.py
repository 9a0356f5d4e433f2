"""What the framework itself costs: CPU, memory and terminal bytes of everything but the scripts.

    python benchmarks/overhead.py [--seconds 120] [--repeats 3]

Runs for real on a generated table of 8,000 rows x 14 columns, in a process of its own, and prints medians. The orchestrator's CPU is
its own user + system time: scripts, their keepers and the memory's index service are other processes (the last one: memory_overhead.py).
What the rules reasoner spends on thinking stands where other agents call a model, so it is also shown apart. Importing langgraph and pandas
alone is shown beside the start: it tells how fast the machine is just now. Runs go on until their budget is used (`least_gain` 0), so that
there are steps to measure.
"""

import argparse
import json
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

PROBE = """
import json, resource, sys, time
from pathlib import Path
from gome_graph.support.collecting import collect_seldom, set_aside
collect_seldom()  # as the command does
from gome_graph.graph import start
from gome_graph.reasoners.rules.reasoner import RulesReasoner
from gome_graph.run import RunSettings
from gome_graph.task import load_task

task, out, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
marks = {"thought": 0.0}
def timed(method):
    def wrapped(*args):
        began = time.thread_time()
        try:
            return method(*args)
        finally:
            if "first_script" in marks:
                marks["thought"] += time.thread_time() - began
    return wrapped
for name in ("draft", "diagnose", "update"):
    setattr(RulesReasoner, name, timed(getattr(RulesReasoner, name)))
def heard(event):
    now = time.process_time()
    marks.setdefault("first_script" if event.kind == "step_started" else event.kind.value, now)
    marks["last_step"] = now if event.kind == "remembered" else marks.get("last_step", 0.0)
settings = RunSettings(budget_seconds=seconds, traces=2, reasoner_config={"least_gain": 0.0})
set_aside()
result = start(load_task(task), settings, out=out, observers=[heard])
marks["all"] = time.process_time()
marks["steps"] = result.steps
marks["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(marks))
"""


def make_task(folder: Path) -> Path:
    """A table like many: numbers, categories, missing values, a binary target."""
    random = np.random.default_rng(0)
    n = 9000
    numbers = {f"x{i}": random.normal(size=n).round(4) for i in range(8)}
    categories = {f"c{i}": random.choice(list("abcdefgh"), n) for i in range(6)}
    frame = pd.DataFrame({"id": np.arange(n), **numbers, **categories})
    frame.loc[random.random(n) < 0.05, "x3"] = np.nan
    score = frame["x0"] * (frame["c0"] == "a") + 0.5 * frame["x1"] - 0.4 * frame["x2"] ** 2
    frame["y"] = (score + random.normal(size=n) > 0).astype(int)
    folder.mkdir()
    frame[:8000].to_csv(folder / "train.csv", index=False)
    frame[8000:].drop(columns="y").to_csv(folder / "test.csv", index=False)
    frame.loc[8000:, ["id"]].assign(y=0).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.toml").write_text('name = "overhead"\nid = "id"\ntarget = ["y"]\nmetric = "accuracy"\n')
    return folder


def one_run(task: Path, folder: Path, seconds: int) -> dict[str, float]:
    """CPU seconds at the marks, in a fresh process."""
    code = folder / "probe.py"
    code.write_text(PROBE)
    done = subprocess.run(
        [sys.executable, str(code), str(task), str(folder / "run"), str(seconds)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def terminal(task: Path, folder: Path, seconds: int) -> tuple[int, float]:
    """Bytes that the live view sends to an 80 x 24 terminal, and how long it ran."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="80", LINES="24")
        os.execv(
            sys.executable, [sys.executable, "-m", "gome_graph.cli", "run", str(task), "--budget", f"{seconds}s", "--out", str(folder)]
        )
    count, began = 0, time.monotonic()
    while True:
        ready, _, _ = select.select([master], [], [], 1.0)
        try:
            data = os.read(master, 65536) if ready else b" " * 0
        except OSError:
            break
        if ready and not data:
            break
        count += len(data)
        if time.monotonic() - began > 3 * seconds + 60:
            break
    os.waitpid(pid, 0)
    return count, time.monotonic() - began


LIBRARIES = """
import time
import langgraph.checkpoint.sqlite, langgraph.graph, langgraph.types, pandas
print(time.process_time())
"""


def libraries_seconds() -> float:
    """CPU seconds of the imports that nothing on langgraph and pandas can do without."""
    return float(subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, text=True, check=True).stdout)


def help_seconds(repeats: int) -> float:
    """Median wall time of ``gome --help``."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "gome_graph.cli", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=120, help="budget of each run")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        task = make_task(root / "task")
        runs, floor = [], []
        for number in range(arguments.repeats):
            folder = root / f"r{number}"
            folder.mkdir()
            runs.append(one_run(task, folder, arguments.seconds))
            floor.append(libraries_seconds())
        start_up = statistics.median(r["first_script"] for r in runs)
        step = statistics.median((r["last_step"] - r["first_script"]) / r["steps"] for r in runs)
        thought = statistics.median(r["thought"] / r["steps"] for r in runs)
        peak = statistics.median(r["peak_mb"] for r in runs)
        sent, seconds = terminal(task, root / "terminal", 30)
        print(f"start to first script   {start_up:6.2f} CPU-s   (bar 3, AIDE about 2)")
        print(f"  langgraph and pandas  {statistics.median(floor):6.2f} CPU-s   (their import alone)")
        counts = ", ".join(str(run["steps"]) for run in runs)
        print(f"one step                {step:6.3f} CPU-s   (bar 0.1, AIDE 0.03 to 0.13; {counts} steps)")
        print(f"  without the reasoner  {step - thought:6.3f} CPU-s   (where AIDE waits for a model's answer)")
        print(f"orchestrator peak       {peak:6.0f} MB      (bar 300, AIDE 170)")
        print(f"terminal                {sent / seconds / 1000:6.2f} kB/s    (bar 10; {sent} bytes in {seconds:.0f} s)")
        print(f"gome --help             {help_seconds(9):6.2f} s       (bar 0.5)")


if __name__ == "__main__":
    main()
