"""Behaviour 6: real runs on the real command line, watched from outside, some killed and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tests.behaviours import small_tasks
from tests.behaviours.checks import Check, at_least, at_most, told

OVERRUN_SHARE, KILL_GRACE = 0.01, 1.0
"""A run may end so much (share of its budget, seconds) after its budget."""
POLL_SECONDS = 0.1
ORPHAN_SECONDS = 15.0
BUDGETS = (15.0, 18.0, 20.0, 22.0, 25.0)
KILL_EVERY = 4
"""One run in so many is killed and resumed."""
KILL_SHARE = 0.6
"""The moment is drawn from this share of the time that is left after the first acceptance: many a run ends before its budget does."""
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Watched:
    """What an outsider saw of one run."""

    shape: str
    budget: float
    wall: float = 0.0
    """Seconds from starting the process to its end; of a killed run both lives together."""
    spent: float = 0.0
    """Seconds by the run's own clock, from opening the run to its last event."""
    start: float = 0.0
    """Seconds of the process (of both, if it was killed) before that clock ran: Python, imports, reading the task."""
    end: float = 0.0
    """Seconds of the process after the last event: report, closing."""
    status: str = ""
    steps: int = 0
    first_best: float | None = None
    """Seconds of the run's clock at which the first accepted solution was published."""
    publish_lag: float | None = None
    """Seconds between the first acceptance and its submission on disk."""
    looks: int = 0
    """How often submission and script were looked at after the first acceptance."""
    faults: list[str] = field(default_factory=list)
    """What was wrong with them."""
    killed_at: float | None = None
    """Seconds after the start of the process at which it was killed."""
    lost: float = 0.0
    """Seconds before the kill that the clock did not count after the resume."""
    orphans: list[str] = field(default_factory=list)
    """Processes of the run that were there `ORPHAN_SECONDS` after the kill."""
    repeats: int = 0
    """Steps that did again what was rejected before (behaviour 3)."""
    retries: int = 0
    """Steps that could have."""
    families: list[str] = field(default_factory=list)
    """Model families of the first hypotheses."""

    @property
    def overrun(self) -> float:
        """Seconds of the process beyond its budget; negative if it ended early."""
        return self.wall - self.budget

    @property
    def allowed(self) -> float:
        return OVERRUN_SHARE * self.budget + KILL_GRACE


def events(run: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal."""
    path = run / "journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def gome(*arguments: object) -> "subprocess.Popen[str]":
    """A real process of the command line, with whatever plugins are installed."""
    environment = {name: value for name, value in os.environ.items() if name != "GOME_PLUGINS"}
    return subprocess.Popen(
        [sys.executable, "-m", "gome_graph.cli", *map(str, arguments)], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def run(root: Path, shape: str, budget: float, seed: int, *, kill: bool = False) -> Watched:
    """One run to its end. With `kill`, the orchestrator is killed at a random moment after its first acceptance, then resumed."""
    random = np.random.default_rng(seed)
    task = small_tasks.write(root / "task", shape, seed=seed)
    out = root / "run"
    seen = Watched(shape, budget)
    begin, began = time.monotonic(), time.time()
    process = gome("run", task, "--out", out, "--budget", f"{budget:.0f}s", "--traces", 2, "--seed", seed, "--quiet")
    share = float(random.random())
    kill_at: float | None = None
    while process.poll() is None:
        time.sleep(POLL_SECONDS)
        if _published(out):
            _look(seen, task, out)
            if kill_at is None:
                now = time.monotonic() - begin
                kill_at = now + share * max(KILL_SHARE * (budget - now), 0.0)
        if kill and kill_at is not None and time.monotonic() - begin >= kill_at and process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            seen.killed_at = time.monotonic() - begin
    output = process.communicate()[0]
    seen.wall = time.monotonic() - begin
    if seen.killed_at is not None:
        _look(seen, task, out, " after kill -9")
        seen.start = _since_start(out, began)
        seen.lost = seen.killed_at - seen.start - max((e["elapsed"] for e in events(out)), default=0.0)
        seen.orphans = orphans(out)
        begin, began = time.monotonic(), time.time()
        process = gome("resume", out, "--quiet")
        output = process.communicate()[0]
        seen.wall += time.monotonic() - begin
    ended = time.time()
    _conclude(seen, task, out, process.returncode, output)
    seen.start += _since_start(out, began)
    seen.end = ended - _moment(events(out)[-1]) if events(out) else 0.0
    return seen


def _moment(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def _since_start(out: Path, began: float) -> float:
    """Seconds from the start of the process to the start of the run's clock, as the first event it wrote tells."""
    first = next((e for e in events(out) if _moment(e) >= began), None)
    if first is None:
        return 0.0
    before = max((e["elapsed"] for e in events(out) if e["n"] < first["n"]), default=0.0)
    return _moment(first) - began - (first["elapsed"] - before)


def sweep(root: Path, runs: int, *, tell: Callable[[str], None] = lambda line: None) -> list[Watched]:
    """Runs over all task shapes and budgets, one after the other; one in `KILL_EVERY` is killed and resumed.

    A run may end before its moment has come; then the next one is killed instead.
    """
    shapes = list(small_tasks.SHAPES)
    found = []
    for number in range(runs):
        shape, budget = shapes[number % len(shapes)], BUDGETS[number % len(BUDGETS)]
        due = sum(earlier.killed_at is not None for earlier in found) < (number + KILL_EVERY - 1) // KILL_EVERY
        seen = run(root / str(number), shape, budget, number, kill=due)
        tell(f"run {number}: {asdict(seen)}")
        found.append(seen)
    return found


def checks(found: list[Watched]) -> list[Check]:
    """The bars of behaviour 6 on runs that were watched."""
    whole = [seen for seen in found if seen.killed_at is None]
    killed = [seen for seen in found if seen.killed_at is not None]
    accepted = [seen for seen in found if seen.first_best is not None]
    clock = worst(seen.spent - seen.budget * (1 + OVERRUN_SHARE) for seen in found)
    process = worst(seen.overrun - seen.budget * OVERRUN_SHARE for seen in whole)
    late = sum(seen.overrun > seen.allowed for seen in whole)
    beside = f"before the clock up to {worst(s.start for s in whole):.1f} s, after it up to {worst(s.end for s in whole):.1f} s"
    resumed = worst(seen.overrun - seen.budget * OVERRUN_SHARE - seen.start - seen.end for seen in killed)
    forgot = f"the clock forgot up to {worst(s.lost for s in killed):.1f} s before a kill"
    faults = [f"{seen.shape}: {fault}" for seen in found for fault in seen.faults]
    families = min((len(set(seen.families)) for seen in found), default=0)
    retries, repeats = sum(seen.retries for seen in found), sum(seen.repeats for seen in found)
    again = "journalled steps that repeat a rejected one"
    ended, resumed_well = (sum(seen.status == "done" for seen in some) for some in (found, killed))
    lag = worst(seen.publish_lag or 0.0 for seen in accepted)
    behind = f"{ORPHAN_SECONDS:.0f} s after {len(killed)} kills"
    return [
        at_most(
            6, "overrun beyond 1 %, seconds by the run's clock", clock, KILL_GRACE, f"worst of {len(found)} runs",
            runs=[asdict(seen) for seen in found],
        ),
        at_most(
            6, "overrun beyond 1 %, seconds of the whole process", process, KILL_GRACE,
            f"worst of {len(whole)} runs that were not killed, {late} of them beyond the bar; {beside}; load {os.getloadavg()[1]:.1f}",
        ),
        at_least(6, "runs that end with a solution", ended, len(found), f"of {len(found)}"),
        at_most(
            6, "faults of submission or script from the first acceptance on", len(faults), 0,
            f"{sum(s.looks for s in found)} looks at {len(accepted)} runs {faults[:3]}",
        ),
        at_most(6, "seconds from the first acceptance to its submission on disk", lag, 1.0, f"worst of {len(accepted)} runs"),
        at_least(
            6, "killed runs that resume ends well", resumed_well, len(killed),
            f"of {len(killed)}, killed with -9 at a random moment after their first acceptance",
        ),
        at_most(
            6, "overrun beyond 1 %, seconds of both lives of a killed run", resumed, KILL_GRACE,
            f"worst of {len(killed)}, start and end of the processes left out; {forgot}",
        ),
        at_most(8, "processes left behind by kill -9", sum(len(s.orphans) for s in killed), 0, behind),
        at_least(4, "families of the first hypotheses of 2 traces, fewest", families, 2, f"{len(found)} runs"),
        at_most(3, again, repeats / retries, 0.05, f"of {retries} steps") if retries else told(3, again, 0, "no step after a rejection"),
    ]  # fmt: skip


def worst(values: Iterable[float]) -> float:
    """The largest; 0 of none."""
    return max(values, default=0.0)


def _published(out: Path) -> bool:
    return any(event["kind"] == "best" for event in events(out))


def _look(seen: Watched, task: Path, out: Path, when: str = "") -> None:
    seen.looks += 1
    if fault := small_tasks.submission_fault(task, out / "submission.csv"):
        seen.faults.append(f"submission.csv{when}: {fault}")
    try:
        compile((out / "solution.py").read_text(encoding="utf-8"), "solution.py", "exec")
    except (OSError, SyntaxError, ValueError) as error:
        seen.faults.append(f"solution.py{when}: {error}")


def _conclude(seen: Watched, task: Path, out: Path, code: int, output: str) -> None:
    heard = events(out)
    record = json.loads((out / "run.json").read_text(encoding="utf-8")).get("result") or {} if (out / "run.json").exists() else {}
    seen.status = record.get("status", f"exit code {code}: {output[-300:]}")
    seen.spent, seen.steps = float(record.get("spent_seconds", 0.0)), int(record.get("steps", 0))
    best = next((e["elapsed"] for e in heard if e["kind"] == "best"), None)
    accepted = next((e["elapsed"] for e in heard if e["kind"] == "validated" and e["data"]["verdict"]["kind"] == "accepted"), None)
    if best is not None and accepted is not None:
        seen.first_best, seen.publish_lag = best, best - accepted
        _look(seen, task, out, " at the end")
    seen.repeats, seen.retries = repeats_in(heard)
    seen.families = [e["data"]["hypothesis"]["family"] for e in heard if e["kind"] == "step_started" and e["step"].endswith("-0")]


def orphans(out: Path) -> list[str]:
    """Processes that still belong to a run `ORPHAN_SECONDS` later."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while (found := _processes(out)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _processes(out: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(out) in part for part in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:160])
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def repeats_in(heard: list[dict[str, Any]]) -> tuple[int, int]:
    """(steps that repeat a rejected one, steps after a first rejection) of a journal.

    A repeat: the same technique with the same params and title from a parent of the same models, in any trace, after its rejection.
    """
    rejected: set[str] = set()
    started: dict[str, str] = {}
    repeats = chances = 0
    for event in heard:
        if event["kind"] == "step_started" and event["data"]["hypothesis"]["technique"]:
            idea = event["data"]["hypothesis"]
            key = json.dumps([idea["technique"], idea["title"], idea["params"], event["data"]["family"]], sort_keys=True)
            started[event["step"]] = key
            if rejected:
                chances += 1
                repeats += key in rejected
        if event["kind"] == "validated" and event["step"] in started:
            verdict = event["data"]["verdict"]["kind"]
            if verdict not in ("accepted", "stopped", "vetoed"):
                rejected.add(started[event["step"]])
    return repeats, chances
