"""Runs gome on prepared competitions with several seeds, grades each run after its end, and prints medals as MLE-Bench does.

    python benchmarks/mlebench/run.py ROOT [TASK ...] --budget 30m --seeds 0 1 2 [--grader .../grade.py] [--drop TASK:COLUMN]

ROOT holds one folder a task (``public/``, ``private/``, ``meta.json``); without names, all of them run. Each (task, seed, budget, cores) is
one line of ``runs.jsonl`` in ``--out``; lines that are there are not run again. Nothing under ``private/`` is read before a run has ended.
With ``--grader``, a second grader is asked: ``python GRADER TASK SUBMISSION ROOT``, JSON with score and medal; a difference is an error.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path[1:1] = [str(HERE.parent)]

import medals  # noqa: E402
from journal_steps import Steps, steps_of  # noqa: E402

MEASURE = HERE.parent / "automl" / "measure.py"
OUT = Path("~/.cache/gome-bench/mlebench").expanduser()
UNITS = {"s": 1, "m": 60, "h": 3600}
LATE = 600.0
"""Seconds after its budget at which a run is ended from outside: it counts as failed."""
AGREE = 2e-5
"""Graders may differ by this much: both round to five decimals."""


def seconds(budget: str) -> float:
    """``90s``, ``30m`` or ``2h``."""
    return float(budget[:-1]) * UNITS[budget[-1]]


def gome(*arguments: object) -> tuple[list[str], dict[str, str]]:
    """Command and environment for one gome command of this tree."""
    paths = f"{REPOSITORY}:{REPOSITORY / 'memory'}"
    return [sys.executable, "-m", "gome_graph.cli", *map(str, arguments)], {**os.environ, "PYTHONPATH": paths}


def graded(run: Path) -> dict[str, Any]:
    """What `gome grade` says of an ended run; it opens the private answers."""
    command, environment = gome("grade", run, "--json")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout))
    except json.JSONDecodeError:
        return {"valid": False, "score": None, "medal": None, "above_median": False, "reason": done.stderr.strip()[-300:]}


def checked(grader: Path, task: str, submission: Path, root: Path) -> dict[str, Any]:
    """The second grader's opinion."""
    done = subprocess.run([sys.executable, str(grader), task, str(submission), str(root)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def disagreement(ours: dict[str, Any], other: dict[str, Any]) -> str | None:
    """A sentence if the two graders differ."""
    first, second = ours.get("score"), other.get("score")
    if (first is None) != (second is None) or (first is not None and abs(first - second) > AGREE):
        return f"scores differ: gome {first}, grader {second}"
    if ours.get("medal") != other.get("medal"):
        return f"medals differ: gome {ours.get('medal')}, grader {other.get('medal')}"
    return None


class Bench:
    """Runs and grades one task after the other: each uses all the cores it is given."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.root, self.out = arguments.root.resolve(), arguments.out.expanduser().resolve()
        self.budget, self.options, self.drop = arguments.budget, arguments.options, arguments.drop
        self.grader: Path | None = arguments.grader.resolve() if arguments.grader else None
        self.cores = sorted(os.sched_getaffinity(0))[: arguments.cores]
        self.lines = self.out / "runs.jsonl"

    def done(self) -> dict[tuple[str, int, str, int], dict[str, Any]]:
        """Runs that are there: the last line of each."""
        lines = self.lines.read_text().splitlines() if self.lines.exists() else []
        return {(r["task"], r["seed"], r["budget"], r["cores"]): r for r in map(json.loads, lines)}

    def run(self, task: str, seed: int) -> dict[str, Any]:
        """One run from start to grade; appends its line."""
        folder = self.out / f"{task}-{seed}-{self.budget}-{len(self.cores)}c"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        value = self.measured(task, seed, folder)
        run = folder / "run"
        grade = graded(run)
        submission = run / "submission.csv"
        thresholds = json.loads((self.root / task / "meta.json").read_text()).get("thresholds")
        row = {"task": task, "seed": seed, "budget": self.budget, "cores": len(self.cores), "has_thresholds": bool(thresholds), **value,
               **{key: grade.get(key) for key in ("score", "valid", "medal", "above_median", "reason", "metric")},
               "validation": grade.get("validation"), "audit": grade.get("audit"), "baseline": grade.get("baseline"),
               **vars(steps_of(run)), "run": str(run)}  # fmt: skip
        if self.grader and submission.exists():
            row["disagreement"] = disagreement(grade, checked(self.grader, task, submission, self.root))
        with self.lines.open("a") as file:
            file.write(json.dumps(row) + "\n")
        return row

    def measured(self, task: str, seed: int, folder: Path) -> dict[str, Any]:
        """`gome run` under measure.py; wall, CPU, memory and exit code."""
        hidden = [column for name, _, column in (entry.rpartition(":") for entry in self.drop) if name in ("", task)]
        command, environment = gome(
            "run", self.root / task, "--budget", self.budget, "--seed", seed, "--cpus", len(self.cores), "--out", folder / "run",
            "--quiet", "--json", *(part for column in hidden for part in ("--drop", column)), *self.options,
        )  # fmt: skip
        threads = {name: str(len(self.cores)) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        report = folder / "measured.json"
        limit = seconds(self.budget) + LATE
        wrapped = [sys.executable, str(MEASURE), str(report), ",".join(map(str, self.cores)), str(limit), "--", *command]
        subprocess.run(wrapped, env={**environment, **threads}, check=True)
        return dict(json.loads(report.read_text()))


def shown(score: dict[str, Any] | None) -> str:
    """``0.8041 ± 0.0047``."""
    return f"{score['value']:.4f} ± {score['standard_error']:.4f}" if score else "-"


HEAD = """| task | seed | metric | best first draft | final | audit | private | medal | above median | improving steps | wall | peak MB |
|---|---|---|---|---|---|---|---|---|---|---|---|"""


def row_line(row: dict[str, Any]) -> str:
    """One run as a line of the table."""
    medal = row["medal"] or ("none" if row["has_thresholds"] else "no thresholds")
    steps = Steps(row["drafts"], row["after"], row["improving"])
    promised = " | ".join(shown(row[key]) for key in ("baseline", "validation", "audit"))
    private = row["score"] if row["valid"] else f"invalid: {row['reason']}"
    return (
        f"| {row['task']} | {row['seed']} | {row['metric']} | {promised} "
        f"| {private} | {medal} | {row['above_median']} | {steps} | {row['wall_seconds']:.0f} s | {row['peak_memory_mb']} |"
    )


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """Medals and steps over all runs shown."""
    of = [row for row in rows if row["has_thresholds"]]
    seeds = sorted({row["seed"] for row in rows})
    lines = [f"{len({r['task'] for r in of})} tasks with thresholds, seeds {', '.join(map(str, seeds))}; mean ± SEM over seeds.", ""]
    lines += ["| measure | share of tasks |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in medals.shares(rows).items()]
    steps = sum((Steps(r["drafts"], r["after"], r["improving"]) for r in rows), Steps())
    lines += ["", f"Improving steps after the drafts: {steps}; {steps.drafts} drafts."]
    if medals.uneven(rows):
        lines += [f"Not every seed has run: {', '.join(medals.uneven(rows))}."]
    lines += [f"GRADERS DISAGREE on {r['task']}, seed {r['seed']}: {r['disagreement']}" for r in rows if r.get("disagreement")]
    return lines


def main() -> None:
    """Run what is missing, print all; exit 2 if two graders disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("tasks", nargs="*")
    parser.add_argument("--budget", default="30m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=OUT, help=f"results folder (default {OUT})")
    parser.add_argument("--drop", nargs="+", default=[], metavar="[TASK:]COLUMN", help="columns to hide from the run")
    parser.add_argument("--grader", type=Path, help="a second grader to agree with")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="further options of gome run; comes last")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    bench.out.mkdir(parents=True, exist_ok=True)
    tasks = arguments.tasks or sorted(folder.name for folder in bench.root.iterdir() if (folder / "public").is_dir())
    done, rows = bench.done(), []
    print(HEAD, flush=True)
    for seed in arguments.seeds:
        for task in tasks:
            key = (task, seed, arguments.budget, len(bench.cores))
            rows.append(done[key] if key in done else bench.run(task, seed))
            print(row_line(rows[-1]), flush=True)
    lines = summary(rows)
    print("\n" + "\n".join(lines))
    (bench.out / "table.md").write_text("\n".join([HEAD, *map(row_line, rows), "", *lines]) + "\n")
    sys.exit(2 if any(row.get("disagreement") for row in rows) else 0)


if __name__ == "__main__":
    main()
