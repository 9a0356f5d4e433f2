"""A small run directory for executors to be tried on, with a secret in each direction a script may look."""

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gome_graph.hooks import Executor
from gome_graph.records import Limits, ScriptJob, Stage

_seeds = itertools.count(os.getpid() * 1000 + 500_000_000)
ANSWERS = "id,target\n1,the-answer\n"


@dataclass(frozen=True)
class Bench:
    """A small run directory: one workspace, its input, and around them what a script must not reach."""

    root: Path
    seed: int
    """Unique, so that processes of this test can be told by their environment."""

    @property
    def workspace(self) -> Path:
        """Where ``solution.py`` is."""
        return self.root / "steps" / "t0-0"

    @property
    def input(self) -> Path:
        """What the script sees as ``input/``."""
        return self.root / "prepared" / "full"

    @property
    def secret(self) -> Path:
        """Private answers."""
        return self.root / "private" / "answers.csv"

    @property
    def sibling(self) -> Path:
        """Another trace's output."""
        return self.root / "steps" / "t1-0" / "output" / "oof.csv"

    def job(self, script: str, *, cpus: int = 1, stage: Stage = Stage.SMOKE, **limits: Any) -> ScriptJob:
        """Write the script and ask for its run; 20 s and 1 GB unless told otherwise."""
        (self.workspace / "solution.py").write_text(script, encoding="utf-8")
        chosen = Limits(**({"wall_seconds": 20, "memory_bytes": 1 << 30} | limits))
        return ScriptJob(workspace=self.workspace, input_dir=self.input, stage=stage, seed=self.seed, cpus=cpus, limits=chosen)

    def output(self, name: str) -> str:
        """Text of a file the script wrote; it must be a regular one."""
        path = self.workspace / "output" / name
        assert not path.is_symlink()
        return path.read_text(encoding="utf-8")

    def log(self) -> str:
        """What it printed."""
        return (self.workspace / "stdout.log").read_text(encoding="utf-8")

    def survivors(self, patience: float = 3.0) -> list[int]:
        """Processes of the script that still live, after waiting a little for them to go."""
        mark = f"GOME_SEED={self.seed}\0".encode()
        deadline = time.monotonic() + patience
        while True:
            alive = []
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    try:
                        if mark in (entry / "environ").read_bytes():
                            alive.append(int(entry.name))
                    except OSError:
                        continue
            if not alive or time.monotonic() > deadline:
                return alive
            time.sleep(0.05)


def make_bench(root: Path) -> Bench:
    """Lay out a bench below `root`."""
    bench = Bench(root, next(_seeds))
    for folder in (bench.workspace, bench.input, bench.secret.parent, bench.sibling.parent):
        folder.mkdir(parents=True)
    (bench.input / "train.csv").write_text("id,x,y\n1,2,3\n", encoding="utf-8")
    bench.secret.write_text(ANSWERS, encoding="utf-8")
    bench.sibling.write_text(ANSWERS, encoding="utf-8")
    return bench


def need(executor: Executor, wall: str) -> None:
    """Go on only if `Protections` claims the wall; if it does not, it must say so in its notes, and the test is skipped, not passed."""
    protections = executor.protections()
    if not getattr(protections, wall):
        assert protections.notes, f"{protections.mechanism} has no {wall} and does not say so"
        pytest.skip(f"{protections.mechanism} declares that it has no {wall}")


class UsesBench:
    """Gives tests the fixture ``bench``, and checks after each that nothing of it was touched and nothing still runs."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        """A fresh one."""
        bench = make_bench(tmp_path / "run")
        yield bench
        assert bench.survivors() == [], "processes of the script outlived its run"
        assert (bench.input / "train.csv").read_text(encoding="utf-8") == "id,x,y\n1,2,3\n"
        assert bench.secret.read_text(encoding="utf-8") == bench.sibling.read_text(encoding="utf-8") == ANSWERS
