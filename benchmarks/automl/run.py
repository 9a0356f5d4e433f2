"""Runs the matrix task x system x seed and appends a line of JSON for each cell; cells that are there already are skipped.

    python benchmarks/automl/run.py --systems gome autogluon --tasks peers8 --seeds 0 1 --seconds 60 --cores 1 --jobs 2

Each cell gets cores of its own (``--jobs`` x ``--cores`` must fit). Everything that a system sees lies in its cell's folder under
``--out``; the truth of the test rows stays in this process. ``--redo SYSTEM`` runs the cells of a system again (the later line counts).
"""

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import competitions
import data
import environments
import pandas as pd
import scoring
from systems import SYSTEMS, System
from tasks import SUITES, TASKS, BenchTask, chosen

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
# The competitions are read with gome's own loader; journal_steps lies beside this folder.
sys.path[1:1] = [str(REPOSITORY), str(REPOSITORY / "memory"), str(HERE.parent)]
OUT = Path("~/.cache/gome-bench/results").expanduser()
CELLS = "cells.jsonl"
PATIENCE = 3.0
"""A system is ended at this many times its budget ..."""
START_UP = 300.0
"""... plus these seconds."""
MODELS = ("model-*", "run/prepared", "run/workspaces")
"""What is deleted from a cell's folder after scoring, unless --keep."""


@dataclass(frozen=True)
class Cell:
    """One run to be made."""

    task: BenchTask
    system: System
    seed: int
    seconds: int
    cores: int

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(self.told().values())

    @property
    def name(self) -> str:
        return cell_name(self.told())

    def told(self) -> dict[str, Any]:
        """What names the cell in a line of results."""
        return {"task": self.task.name, "system": self.system.name, "seed": self.seed, "seconds": self.seconds, "cores": self.cores}


def cell_name(told: dict[str, Any]) -> str:
    """The name of a cell's folder."""
    return "{task}-{system}-{seed}-{seconds}s-{cores}c".format(**told)


def read_cells(out: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The last line of each cell in a results folder."""
    path = out / CELLS
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines if line.strip()]
    return {(r["task"], r["system"], r["seed"], r["seconds"], r["cores"]): r for r in rows}


class Bench:
    """Runs cells, a few at a time, each on cores of its own."""

    def __init__(self, out: Path, cache: Path, jobs: int, cores: int, keep: bool) -> None:
        machine = sorted(os.sched_getaffinity(0))
        if jobs * cores > len(machine):
            raise SystemExit(f"{jobs} jobs of {cores} cores do not fit on {len(machine)} cores")
        self.out, self.cache, self.keep = out, cache, keep
        self.free: queue.Queue[list[int]] = queue.Queue()
        for job in range(jobs):
            self.free.put(machine[job * cores : (job + 1) * cores])
        self.lock = threading.Lock()

    def run(self, cell: Cell) -> None:
        """Run, score, write the line; nothing that goes wrong in one cell stops the others."""
        mine = self.free.get()
        try:
            row = self.measured(cell, mine)
        except Exception as error:
            traceback.print_exc()
            row = {"error": f"benchmark: {type(error).__name__}: {error}", "score": None}
        finally:
            self.free.put(mine)
        with self.lock:
            with (self.out / CELLS).open("a") as file:
                file.write(json.dumps({**cell.told(), **row}) + "\n")
            shown = f"{row['score']:.5f} ± {row['sd']:.5f}" if row.get("score") is not None else f"failed: {row.get('error')}"
            print(f"{cell.name:55s} {shown}  {row.get('wall_seconds', 0):.0f} s  {row.get('peak_memory_mb', 0):.0f} MB", flush=True)

    def measured(self, cell: Cell, mine: list[int]) -> dict[str, Any]:
        """One cell in its folder; the row of figures."""
        folder = self.out / "work" / cell.name
        shutil.rmtree(folder, ignore_errors=True)
        parts = data.split(cell.task, cell.seed, self.cache)
        data.write(parts, folder, seconds=cell.seconds, cores=cell.cores, seed=cell.seed)
        if cell.system.environment is None and "task_folder" not in parts.facts:
            data.write_task_folder(parts, folder / "task")
        load_before = os.getloadavg()[0]
        figures = self.launch(cell, folder, mine)
        report = json.loads((folder / "report.json").read_text()) if (folder / "report.json").exists() else {}
        metric = scoring.METRICS[parts.facts["metric"]]
        row: dict[str, Any] = {
            "metric": metric.name, "higher_is_better": metric.higher_is_better, "kind": cell.task.kind, "rows": len(parts.train),
            "score": None, "sd": None, **figures, "load_before": round(load_before, 2), **report,
        }  # fmt: skip
        row["own_score"] = report.get("score")
        row.update(self.scored(folder, parts, report, figures))
        if not self.keep:
            for pattern in MODELS:
                for path in folder.glob(pattern):
                    shutil.rmtree(path, ignore_errors=True)
        return row

    def launch(self, cell: Cell, folder: Path, mine: list[int]) -> dict[str, Any]:
        """The system as a process under measure.py."""
        python = environments.python_of(cell.system.environment, self.cache)
        if not python.exists():
            raise FileNotFoundError(f"{python} is missing; build it: python benchmarks/automl/environments.py {cell.system.environment}")
        report = folder / "measured.json"
        command = [sys.executable, str(HERE / "measure.py"), str(report), ",".join(map(str, mine)),
                   str(PATIENCE * cell.seconds + START_UP), "--", *cell.system.command(python, folder)]  # fmt: skip
        subprocess.run(command, env=environment(cell), check=True, cwd=folder)
        value: dict[str, Any] = json.loads(report.read_text())
        return value

    def scored(self, folder: Path, parts: data.Split, report: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
        """Score and noise, or the error."""
        if not (folder / "predictions.csv").exists():
            return {"score": None, "error": report.get("error") or f"no predictions; exit {figures['exit_code']}; see {folder}"}
        try:
            result = scoring.score(parts.facts, parts.truth, pd.read_csv(folder / "predictions.csv"))
        except scoring.InvalidPrediction as error:
            return {"score": None, "error": f"invalid: {error}"}
        return {"score": result.score, "sd": result.sd}


def environment(cell: Cell) -> dict[str, str]:
    """As many threads as cores, for every system; gome from this tree."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), str(cell.cores))
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
    paths = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'memory'}"} if cell.system.environment is None else {}
    return {**kept, **threads, **paths, "GOME_CPUS": str(cell.cores), "LOKY_MAX_CPU_COUNT": str(cell.cores), "PYTHONHASHSEED": "0"}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=["gome"], choices=list(SYSTEMS))
    parser.add_argument("--tasks", nargs="+", default=["peers8"], metavar="TASK", help=f"suites {', '.join(SUITES)}, or names")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--seconds", type=int, default=60, help="time limit told to each system")
    parser.add_argument("--cores", type=int, default=1, help="cores of a cell")
    parser.add_argument("--jobs", type=int, default=1, help="cells at the same time")
    parser.add_argument("--out", type=Path, default=OUT, help=f"results folder (default {OUT})")
    parser.add_argument("--cache", type=Path, default=environments.CACHE, help="where the environments and downloads are")
    parser.add_argument("--competitions", type=Path, metavar="ROOT", help="folder of prepared competitions: the suite `competitions`")
    parser.add_argument("--redo", nargs="*", default=[], choices=list(SYSTEMS), help="run the cells of these systems again")
    parser.add_argument("--retry", action="store_true", help="run failed cells again")
    parser.add_argument("--keep", action="store_true", help="keep models and prepared data of each cell")
    parser.add_argument("--list", action="store_true", help="print the tasks, and stop")
    arguments = parser.parse_args()
    more = competitions.find(arguments.competitions.resolve()) if arguments.competitions else []
    if arguments.list:
        for task in [*TASKS.values(), *more]:
            print(f"{task.name:15s} {task.kind:11s} {task.metric:9s} {task.source:32s} {' '.join(task.tags)}")
        return
    out, cache = arguments.out.expanduser().resolve(), arguments.cache.expanduser().resolve()
    out.mkdir(parents=True, exist_ok=True)
    cells = [
        Cell(task, SYSTEMS[system], seed, arguments.seconds, arguments.cores)
        for seed in arguments.seeds for task in chosen(arguments.tasks, more) for system in arguments.systems
    ]  # fmt: skip
    done = read_cells(out)
    failed = {key for key, row in done.items() if row.get("score") is None} if arguments.retry else set()
    todo = [cell for cell in cells if cell.key not in done or cell.key in failed or cell.system.name in arguments.redo]
    estimate = len(todo) * (arguments.seconds + 15) / arguments.jobs / 60
    print(f"{len(todo)} of {len(cells)} cells to run, about {estimate:.0f} min; results in {out / CELLS}", flush=True)
    bench = Bench(out, cache, arguments.jobs, arguments.cores, arguments.keep)
    began = time.monotonic()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(bench.run, todo))
    print(f"done in {(time.monotonic() - began) / 60:.1f} min")


if __name__ == "__main__":
    main()
