"""An executor for studies with hundreds of runs: scripts start warm, and a script that has been run on the same input is not run again.

A cell of the crossover study is ten scripts of which most of the time is importing libraries, and the arms of a study often write the
same script: the same text, input, seed and kept members give the same files. *Seconds* are CPU seconds of the script, start of Python not
counted, so they do not depend on what else the machine does; a remembered script costs what it cost the first time.
"""

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from gome_graph.execution.logs import last_error, log_tail
from gome_graph.hooks import Offer, hookimpl
from gome_graph.records import Execution, Outcome, Protections, ScriptJob

WALL_SECONDS = 600.0
"""The machine may be ten times slower than it should: the CPU limit, the job's wall seconds, is what counts."""
STARTED = 2
"""CPU seconds a script may need beyond its limit before it is ended: what it used is read afterwards, exactly."""


class WarmExecutor:
    """Implements `gome_graph.hooks.Executor`; runs one script at a time."""

    name = "warm"

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._server: subprocess.Popen[str] | None = None
        self.hits = self.misses = 0

    def protections(self) -> Protections:
        """None at all."""
        return Protections(mechanism="none", network_blocked=False, filesystem_confined=False, processes_confined=False,
                           memory_limited=True, notes=["for benchmarks of the rules reasoner alone"])  # fmt: skip

    def run(self, job: ScriptJob, stopped: Callable[[], bool] = lambda: False) -> Execution:
        """Run it, or recall what came of it."""
        with self._lock:
            known = self._cache / self._key(job)
            if (known / "execution.json").exists():
                self.hits += 1
                shutil.rmtree(job.workspace / "output", ignore_errors=True)
                shutil.copytree(known / "output", job.workspace / "output")
                return Execution.model_validate_json((known / "execution.json").read_text())
            self.misses += 1
            execution = self._run(job)
            draft = known.with_name(f".{known.name}.{os.getpid()}")
            shutil.rmtree(draft, ignore_errors=True)
            (job.workspace / "output").mkdir(exist_ok=True)
            shutil.copytree(job.workspace / "output", draft / "output")
            (draft / "execution.json").write_text(execution.model_dump_json())
            shutil.rmtree(known, ignore_errors=True)
            draft.rename(known)
            return execution

    def close(self) -> None:
        """The server lives as long as the study."""

    def _key(self, job: ScriptJob) -> str:
        digest = hashlib.sha256((job.workspace / "solution.py").read_bytes())
        kept = sorted(path.name for path in (job.workspace / "kept").glob("*")) if (job.workspace / "kept").is_dir() else []
        digest.update(json.dumps([_fingerprint(job.input_dir), job.stage.value, job.seed, kept, job.limits.wall_seconds]).encode())
        return digest.hexdigest()[:32]

    def _run(self, job: ScriptJob) -> Execution:
        for name in ("input", "output"):
            path = job.workspace / name
            path.unlink() if path.is_symlink() else shutil.rmtree(path, ignore_errors=True)
        (job.workspace / "output").mkdir()
        (job.workspace / "input").symlink_to(job.input_dir.resolve())
        environment = {"GOME_SEED": str(job.seed), "GOME_STAGE": job.stage.value, "GOME_TIME_LIMIT": f"{job.limits.wall_seconds:g}",
                       "GOME_CPUS": "1"}  # fmt: skip
        answer = self._ask(
            {
                "workspace": str(job.workspace),
                "memory": 0,
                "environment": environment,
                "wall": WALL_SECONDS,
                "cpu": STARTED + math.ceil(job.limits.wall_seconds),
            }
        )
        stdout, stderr = ((job.workspace / name).read_text(errors="replace") for name in ("stdout.log", "stderr.log"))
        slow = answer["timed_out"] or answer["cpu"] > job.limits.wall_seconds
        outcome = Outcome.TIMED_OUT if slow else Outcome.OK if answer["code"] == 0 else Outcome.CRASHED
        error = last_error(stderr) if outcome is Outcome.CRASHED else None
        return Execution(
            outcome=outcome, stage=job.stage, seed=job.seed, exit_code=answer["code"], wall_seconds=round(answer["cpu"], 3),
            cpu_seconds=round(answer["cpu"], 3), peak_memory_bytes=answer["peak"], error_class=error and error.kind,
            error_message=error and error.message, log_tail=log_tail(stdout, stderr),
        )  # fmt: skip

    def _ask(self, job: dict) -> dict:
        if self._server is None or self._server.poll() is not None:
            threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            self._server = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("warm_server.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, **threads},
            )  # fmt: skip
            self._server.stdout.readline()
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


_prints: dict[Path, str] = {}


def _fingerprint(folder: Path) -> str:
    """Of the files a script sees."""
    if folder not in _prints:
        digest = hashlib.sha256()
        for path in sorted(folder.iterdir()):
            digest.update(path.name.encode() + path.read_bytes())
        _prints[folder] = digest.hexdigest()
    return _prints[folder]


class WarmPlugin:
    """Offers the executor to runs of this process."""

    def __init__(self, executor: WarmExecutor) -> None:
        self._executor = executor

    @hookimpl
    def gome_executor(self) -> Iterable[Offer]:
        """Offer it."""
        return [Offer("warm", lambda: self._executor, "for benchmarks: starts warm, no sandbox")]


def install(cache: Path) -> WarmExecutor:
    """Offer a warm executor to all runs of this process under the name ``warm``."""
    from gome_graph.graph import builtins, services

    cache.mkdir(parents=True, exist_ok=True)
    executor = WarmExecutor(cache)

    def load(only: object = None, *, enabled: bool = True) -> object:
        plugins = builtins.load(only, enabled=enabled)
        plugins.add(WarmPlugin(executor), "warm")
        return plugins

    services.load = load
    return executor


def short_run(cell: object, tasks: Path, out: Path, script_seconds: float, **settings: object) -> tuple[dict, list[dict]]:
    """Row and curve of one run of a study, which is then thrown away: one trace unless told, three folds, no audit part, no last round."""
    from gome_graph.bench.rows import read_run
    from gome_graph.graph import start
    from gome_graph.run import RunDirectory, RunSettings
    from gome_graph.task import load_task

    shutil.rmtree(out, ignore_errors=True)
    chosen = RunSettings.model_validate(
        {"budget_seconds": 1e6, "traces": 1, "seed": cell.seed, "audit": 0.0, "folds": 3, "top_k": 1, "final_seeds": 1, "cpus": 1,
         "executor": "warm", **settings}
    )  # fmt: skip
    task = load_task(tasks / cell.task)
    start(task.model_copy(update={"limits": {**task.limits, "wall_seconds": script_seconds}}), chosen, out=out)
    found = read_run(cell, RunDirectory.open(out), [])
    shutil.rmtree(out, ignore_errors=True)
    return found
