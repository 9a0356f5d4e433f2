"""What a bench is to do: tasks x arms x seeds, written down before the first run, so that the same command goes on after a kill."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

from gome_graph.bench.tasks import SUITES, TASKS
from gome_graph.errors import TaskError
from gome_graph.records import Record, Seconds
from gome_graph.support.files import read_json, write_json

ABLATIONS: dict[str, tuple[str, ...]] = {
    "full": (), "no-diagnosis": ("--no-diagnosis",), "no-memory": ("--no-memory",), "one-trace": ("--traces", "1"),
    "no-audit-selection": ("--no-audit-selection",),
}  # fmt: skip
"""Name -> flags of ``gome run``."""

WRITE_SECONDS = 120
"""Limit for writing the built-in tasks (importing scikit-learn is most of it)."""


class Arm(Record):
    """One way to work: what is compared."""

    strategy: str
    reasoner: str = "rules"
    ablation: str = "full"

    def label(self, among: "list[Arm]") -> str:
        """What tells it from the others: the parts in which they differ."""
        parts = [self.strategy] if len({arm.strategy for arm in among}) > 1 or len(among) == 1 else []
        parts += [self.reasoner] if len({arm.reasoner for arm in among}) > 1 else []
        parts += [self.ablation] if len({arm.ablation for arm in among}) > 1 else []
        return " ".join(parts)


class Cell(Record):
    """One run."""

    task: str
    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """Its folder below ``runs/``."""
        text = f"{self.task}-{self.arm.strategy}-{self.arm.reasoner}-{self.arm.ablation}-s{self.seed}"
        return re.sub(r"[^A-Za-z0-9.@_-]+", "_", text)


class Plan(Record):
    """Everything that decides the table."""

    suite: str
    tasks: dict[str, str]
    """Name -> folder."""
    strategies: list[str]
    reasoners: list[str]
    ablations: list[str]
    seeds: list[int]
    budget_seconds: Seconds
    steps: int | None
    traces: int | None
    cpus: int | None
    executor: str
    models: list[str] = []
    """Language models for reasoners that ask one, as with ``gome run --model``."""
    kind: Literal["gome bench"] = "gome bench"

    @property
    def arms(self) -> list[Arm]:
        """All combinations, the first one is what the others are compared with."""
        return [Arm(strategy=s, reasoner=r, ablation=a) for r in self.reasoners for a in self.ablations for s in self.strategies]

    @property
    def cells(self) -> list[Cell]:
        """Task by task and seed by seed, all arms in a row: what is compared is run close together."""
        return [Cell(task=task, arm=arm, seed=seed) for seed in self.seeds for task in self.tasks for arm in self.arms]

    def command(self, cell: Cell, out: Path) -> list[str]:
        """Arguments of ``gome`` that make the cell's run."""
        flags = ["run", self.tasks[cell.task], "--out", str(out / "runs" / cell.name), "--seed", str(cell.seed)]
        flags += ["--strategy", cell.arm.strategy, "--reasoner", cell.arm.reasoner, "--budget", f"{self.budget_seconds:g}s"]
        flags += ["--max-steps", str(self.steps)] if self.steps else []
        one_trace = cell.arm.ablation == "one-trace"
        flags += ["--traces", str(self.traces)] if self.traces and not one_trace else []
        flags += ["--cpus", str(self.cpus)] if self.cpus else []
        flags += ["--executor", self.executor] if self.executor != "local" else []
        flags += [part for model in self.models for part in ("--model", model)]
        return [*flags, *ABLATIONS[cell.arm.ablation]]


def find_tasks(suite: str, out: Path) -> dict[str, str]:
    """Tasks of a suite: a built-in name, built-in task names (``a,b``), a folder of task folders, or one task folder.

    Raises
    ------
    TaskError
        If there is no such thing.
    """
    path = Path(suite).expanduser()
    if path.is_dir():
        if (path / "task.toml").is_file() or (path / "train.csv").is_file():
            return {path.resolve().name: str(path.resolve())}
        found = sorted(p for p in path.iterdir() if p.is_dir() and any((p / f).exists() for f in ("task.toml", "train.csv", "public")))
        if not found:
            raise TaskError(f"{suite} holds no task folder (none of its folders has a task.toml, a train.csv or public/)")
        return {p.name: str(p.resolve()) for p in found}
    names = [name for part in suite.split(",") for name in SUITES.get(part.strip(), (part.strip(),))]
    unknown = [name for name in names if name not in TASKS]
    if unknown:
        raise TaskError(
            f"SUITE {unknown[0]!r} is neither a folder nor built in; built-in suites: {', '.join(SUITES)}; tasks: {', '.join(TASKS)}"
        )
    folder = (out / "tasks").resolve()
    missing = [name for name in names if not (folder / name / "task.toml").exists()]
    if missing:
        command = [sys.executable, "-m", "gome_graph.bench.tasks", str(folder), *missing]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WRITE_SECONDS, check=False)
        if done.returncode:
            raise TaskError(f"the built-in tasks could not be written to {folder}: {done.stderr.strip().splitlines()[-1:]}")
    return {name: str(folder / name) for name in names}


def settle(plan: Plan, out: Path) -> None:
    """Write the plan down, or find that it is the one that is there.

    Raises
    ------
    TaskError
        If `out` belongs to another bench; the message names what differs.
    """
    path = out / "bench.json"
    if path.exists():
        there = Plan.model_validate(read_json(path))
        differs = [name for name in Plan.model_fields if getattr(there, name) != getattr(plan, name)]
        if differs:
            raise TaskError(
                f"{out} holds a bench with another {', '.join(differs)} ({differs[0]}: {getattr(there, differs[0])!r} there, "
                f"{getattr(plan, differs[0])!r} asked for); repeat its command, or give another --out"
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    write_json(path, plan.model_dump(mode="json"))
