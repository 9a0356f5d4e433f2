"""Behaviour 8: runs with a recorded model, killed with -9 at random points and resumed, end as the one that was left alone."""

import collections
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gome_graph.graph import start
from gome_graph.models.mailbox import Mailbox
from gome_graph.run import RunDirectory, RunSettings
from gome_graph.task import load_task
from tests.behaviours import small_tasks
from tests.behaviours.budgets import events, gome, orphans
from tests.behaviours.checks import Check, at_least, at_most
from tests.e2e.test_resume import kill_tree
from tests.models.clerk import clerk

STEPS = 4
FLAGS = ("--max-steps", STEPS, "--traces", 1, "--budget", "600s", "--no-memory", "--strategy", "gradient", "--quiet")
LATEST = 0.5
"""The kill comes up to so many seconds after the event drawn for it: while a script runs, a verdict is found, a file is written."""


@dataclass
class Killed:
    """One run that was killed and resumed."""

    after: int
    """Events in the journal when the moment was drawn."""
    killed: bool = False
    """False where the run had ended before."""
    code: int | None = None
    same_result: bool = False
    repeated: list[str] = field(default_factory=list)
    """Steps that were executed or judged twice."""
    orphans: list[str] = field(default_factory=list)
    output: str = ""


def record(root: Path) -> Path:
    """A run whose requests a thread answers by rote; its directory holds the record."""
    box, over = Mailbox(root / "letters"), threading.Event()

    def answer() -> None:
        while not over.is_set():
            for letter in box.letters():
                if not letter.answered:
                    box.answer(letter.name, json.dumps(clerk(letter.body["schema_name"], letter.body["turns"][0]["text"])))
            time.sleep(0.05)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    settings = RunSettings(budget_seconds=600, traces=1, max_steps=STEPS, reasoner="llm", models=[f"mailbox:{box.folder}"], memory="none")
    try:
        start(load_task(small_tasks.line(root / "task")), settings, out=root / "recorded")
    finally:
        over.set()
        thread.join()
    return root / "recorded"


def outcome(run: Path) -> dict[str, Any]:
    """What must not depend on a kill: the step handed out, its score, every verdict."""
    opened = RunDirectory.open(run)
    result = opened.record().get("result") or {}
    verdicts = {name: verdict.model_dump(mode="json") for name in opened.steps() if (verdict := opened.step(name).verdict())}
    return {"step": result.get("step"), "score": result.get("score"), "status": result.get("status"), "verdicts": verdicts}


def kill_once(root: Path, recorded: Path, seed: int) -> Killed:
    """Play the record back, kill the whole tree after a random event, resume."""
    random = np.random.default_rng(seed)
    seen = Killed(after=int(random.integers(1, len(events(recorded)) - 1)))
    out = root / "run"
    process = gome("run", recorded.parent / "task", "--model", f"replay:{recorded}", "--out", out, *FLAGS)
    while process.poll() is None and len(events(out)) < seen.after:
        time.sleep(0.02)
    time.sleep(float(random.random()) * LATEST)
    if process.poll() is None:
        kill_tree(process)
        process.communicate()
        seen.killed = True
        process = gome("resume", out, "--quiet")
    seen.output = process.communicate()[0][-500:]
    seen.code = process.returncode
    seen.same_result = outcome(out) == outcome(recorded)
    for kind in ("executed", "validated"):
        counts = collections.Counter(e["step"] for e in events(out) if e["kind"] == kind)
        seen.repeated += [f"{step} {kind} {count} times" for step, count in counts.items() if count > 1]
    seen.orphans = orphans(out)
    return seen


def checks(root: Path, kills: int, *, seed: int = 0, tell: Callable[[str], None] = lambda line: None) -> list[Check]:
    """All of behaviour 8."""
    recorded = record(root / "record")
    found = []
    for number in range(seed, seed + kills):
        seen = kill_once(root / str(number), recorded, number)
        tell(f"kill {number}: {asdict(seen)}")
        found.append(seen)
    places = f"kills after events {sorted(seen.after for seen in found if seen.killed)} of {len(events(recorded))}"
    return [
        at_least(8, "runs that were killed before their end", sum(seen.killed for seen in found), 0.8 * kills, "the rest were too quick"),
        at_least(8, "killed runs that resume ends", sum(seen.code == 0 for seen in found), kills, places),
        at_least(
            8, "killed runs that end as the one left alone", sum(seen.same_result for seen in found), kills, "same verdicts and result"
        ),
        at_most(8, "steps executed or judged twice", sum(len(seen.repeated) for seen in found), 0),
        at_most(8, "processes left behind", sum(len(seen.orphans) for seen in found), 0),
    ]
