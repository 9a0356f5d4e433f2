"""A run on disk: where each thing lives.

::

    runs/<task>-<id>/
      run.json journal.jsonl checkpoints.sqlite     the record, the events, the graph's state
      prepared/                                     what scripts see, by stage (see gome_graph.task.prepared)
      steps/t1-4/                                   one folder a step; work/ is the script's own, the rest is ours
      members/ members-permuted/                    predictions of members, for later steps that name the same code (see kept.py)
      vault/                                        audit scores, unreadable to reasoners and scripts until the end
      memory/                                       the success memory, unless a shared one was asked for
      origin.json                                   the solution of another run that traces begin with, in a derived run
      solution.py submission.csv report.html input/ what the user came for
"""

import fcntl
import functools
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from gome_graph.errors import RunError
from gome_graph.records import Event, Execution, Record, Score, Solution, Verdict
from gome_graph.support.files import read_json, write_json, write_text

R = TypeVar("R", bound=Record)

TRIAL_DIGITS = 12
"""Hexadecimal digits of the script's hash that name a trial's folder: no two of the few trials of a step agree in them."""


@functools.lru_cache(maxsize=512)
def _parsed(path: str, stamp: tuple[int, int, int], kind: type[Record]) -> Record:
    """The record of a file that bears this stamp (inode, time, size)."""
    return kind.model_validate(read_json(Path(path)))


class StepDirectory:
    """The folder of one step. Each file appears whole; what is there says how far the step has come."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root / "work"
        """The script's working directory."""
        self.output = self.workspace / "output"

    def save(self, name: str, value: Any) -> None:
        """Write a record or JSON value as ``<name>.json``."""
        write_json(self.root / f"{name}.json", value)

    def load(self, name: str) -> Any | None:
        """The JSON value of ``<name>.json``, or None if it is not there yet."""
        path = self.root / f"{name}.json"
        return read_json(path) if path.exists() else None

    def record(self, name: str, kind: type[R]) -> R | None:
        """The record in ``<name>.json``, or None if it is not there yet. Every step looks at all before it: what has not changed on disk
        since it was read is not read again."""
        path = f"{self.root}/{name}.json"
        try:
            status = os.stat(path)  # noqa: PTH116 - called thousands of times
        except FileNotFoundError:
            return None
        return cast(R, _parsed(path, (status.st_ino, status.st_mtime_ns, status.st_size), kind))

    def solution(self) -> Solution | None:
        """The step's solution, once it has been written."""
        return self.record("solution", Solution)

    def execution(self) -> Execution | None:
        """How its full run ended, once it has."""
        return self.record("execution", Execution)

    def verdict(self) -> Verdict | None:
        """The verdict, once there is one."""
        return self.record("verdict", Verdict)

    def trial(self, stage: str, script: str) -> "StepDirectory":
        """Where `script` is tried out on few rows before it becomes the step's: a folder of its own for each script and stage."""
        return StepDirectory(self.root / "trials" / f"{stage}-{hashlib.sha256(script.encode()).hexdigest()[:TRIAL_DIGITS]}")

    def write_solution(self, solution: Solution) -> None:
        """Put the script into the workspace and the record beside it (the record last: it marks completion)."""
        write_text(self.workspace / "solution.py", solution.script)
        self.save("solution", solution)


class RunDirectory:
    """One run on disk; see the module's drawing. Opening never changes anything."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.record_path = self.root / "run.json"
        self.journal_path = self.root / "journal.jsonl"
        self.checkpoints_path = self.root / "checkpoints.sqlite"
        self.prepared = self.root / "prepared"
        self.vault = self.root / "vault"
        self.memory = self.root / "memory"
        self.solution_path = self.root / "solution.py"
        self.submission_path = self.root / "submission.csv"
        self.report_path = self.root / "report.html"
        self.stop_path = self.root / "stop"
        """``gome stop`` touches it; traces look at it between and during steps."""
        self.pause_path = self.root / "pause"
        """``gome pause`` touches it; traces look at it between steps."""
        self.more_path = self.root / "more"
        """There once a person asked for further steps: little promise is no reason to end any more."""
        self.hints_path = self.root / "hints.jsonl"
        self.origin_path = self.root / "origin.json"
        """The solution of another run that traces begin with (``gome derive``)."""
        self.wishes_path = self.root / "wishes.jsonl"
        """What ``gome pin`` and ``gome veto`` asked for; see steering.py."""

    @staticmethod
    def place(task_name: str) -> Path:
        """A new name below ``runs/``: ``runs/<task>-<id>``. Nothing is made yet."""
        slug = re.sub(r"[^a-z0-9]+", "-", task_name.lower()).strip("-")[:40] or "task"
        return Path("runs") / f"{slug}-{secrets.token_hex(3)}"

    @classmethod
    def create(cls, task_name: str, out: Path | None) -> "RunDirectory":
        """Make an empty run directory: `out`, or ``runs/<task>-<id>`` below the working directory.

        Raises
        ------
        RunError
            If `out` is there already and not empty, or cannot be made.
        """
        root = out if out is not None else cls.place(task_name)
        try:
            if root.exists() and (not root.is_dir() or any(root.iterdir())):
                raise RunError(f"{root} is there already and not empty; give another --out, or continue it with: gome resume {root}")
            root.mkdir(parents=True, exist_ok=True)
            made = cls(root)
            made.vault.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise RunError(f"the run directory {root} cannot be made ({error.strerror or error}); give another --out") from error
        return made

    @classmethod
    def open(cls, root: Path) -> "RunDirectory":
        """An existing run.

        Raises
        ------
        RunError
            If `root` holds no run.
        """
        if not (root / "run.json").is_file():
            raise RunError(f"{root} is not a run directory (no run.json in it); `gome runs` lists the runs here")
        return cls(root)

    def step(self, step: str) -> StepDirectory:
        """The folder of a step, for example ``t1-4``."""
        return StepDirectory(self.root / "steps" / step)

    def steps(self) -> list[str]:
        """Names of all steps on disk, by trace and number."""
        folder = self.root / "steps"
        names = [p.name for p in folder.iterdir() if re.fullmatch(r"t\d+-\d+", p.name)] if folder.is_dir() else []
        return sorted(names, key=lambda n: tuple(map(int, n[1:].split("-"))))

    def record(self) -> dict[str, Any]:
        """``run.json``: settings, task, versions, protections, result."""
        value: dict[str, Any] = read_json(self.record_path)
        return value

    def update_record(self, **changes: Any) -> None:
        """Change some keys of ``run.json``."""
        old = self.record() if self.record_path.exists() else {}
        write_json(self.record_path, {**old, **changes})

    def events(self) -> Iterator[Event]:
        """All journalled events in order; a torn last line (kill -9, full disk) is left out."""
        if not self.journal_path.exists():
            return
        with self.journal_path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield Event.model_validate_json(line)

    def save_audit(self, step: str, seed: int, score: Score | None) -> None:
        """Keep an audit score where no reasoner, prompt, memory or script reads it (mode 0600, one file a step and seed)."""
        write_json(self.vault / f"{step}.{seed}.json", score, mode=0o600)

    def audit(self, step: str, seed: int) -> Score | None:
        """The audit score of a step. Only `finalise` and the report of an ended run may ask."""
        path = self.vault / f"{step}.{seed}.json"
        value = read_json(path) if path.exists() else None
        return None if value is None else Score.model_validate(value)

    def keep_clock(self, elapsed: float) -> None:
        """Write down the budget seconds spent; cheap, and whole enough: a torn number reads as none."""
        (self.root / "clock").write_text(f"{elapsed:.3f}\n", encoding="ascii")

    def clock(self) -> float:
        """Budget seconds spent when the clock was last kept; 0 where it never was."""
        try:
            text = (self.root / "clock").read_text(encoding="ascii")
            return float(text) if text.endswith("\n") else 0.0
        except (OSError, ValueError):
            return 0.0

    def hints(self) -> list[dict[str, Any]]:
        """Hints the user has given with ``gome instruct``, oldest first: ``{"trace": int | None, "text": str}``."""
        if not self.hints_path.exists():
            return []
        return [json.loads(line) for line in self.hints_path.read_text(encoding="utf-8").splitlines() if line.strip()]

    def begin_with(self, solution: Solution) -> None:
        """Let traces begin with this solution of another run."""
        write_json(self.origin_path, solution)

    def origin(self) -> Solution | None:
        """The solution that traces begin with; None where each drafts its own."""
        return Solution.model_validate(read_json(self.origin_path)) if self.origin_path.exists() else None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for this process.

        Raises
        ------
        RunError
            If another live process holds it.
        """
        handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _locked(handle):
                raise RunError(f"{self.root} is being worked on by another gome process; stop that one first: gome stop {self.root}")
            yield
        finally:
            os.close(handle)

    def is_live(self) -> bool:
        """True while a process holds the run. Any number of views may ask at the same time."""
        handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False


def _locked(handle: int) -> bool:
    """Take the lock; a view that asks whether the run is live holds a share of it for an instant, so a refusal is tried again."""
    for patience in (0.02, 0.05, 0.1, 0.0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(patience)
        else:
            return True
    return False
