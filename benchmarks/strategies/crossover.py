"""Where does tree search overtake the gradient? Strategies against a dialled reasoner, at equal steps and at equal seconds.

    python benchmarks/strategies/crossover.py --out DIR [--minutes 4] [--levels 10] [--seeds 1] [--steps 10] [--table] [--plot FILE]
    python benchmarks/strategies/crossover.py --out DIR --ablations     the reasoner at full strength, parts left out

The operators, the validation, the budget in steps and the tasks (`gome_graph.bench.tasks`: made here or scikit-learn's) are the same for
all; ``rules@q`` gives a right direction with probability q. One trace, three folds, the run's own memory, no audit part, no last round. A
cell that is done is not done again, so the study runs in pieces: after ``--minutes`` it stops by itself; the same command goes on. Cells
come level by level from the ends to the middle, each level whole (tasks x strategies) before the next.

Equal seconds: each run's best at the script seconds (CPU, see `warm`) of the quickest run of its task, seed and level.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

STRATEGIES = ("gradient", "hybrid", "tree", "mcts", "random")
TASKS = ("interaction", "linear", "skewed", "groups", "rare", "waves", "diabetes", "wine")
ABLATIONS = {"full": {}, "no-diagnosis": {"diagnosis": False}, "no-memory": {"memory": "none"}, "three-traces": {"traces": 3}}
"""The last at the same number of steps in all: three traces with a third of them each."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--levels", type=int, default=10, help="levels of q from 0 to 1")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--script-seconds", type=float, default=4.0, help="CPU seconds a script may take; reasoners are told")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--ablations", action="store_true")
    parser.add_argument("--table", action="store_true", help="print the table of what is there, and run nothing")
    parser.add_argument("--plot", type=Path, help="PNG of the crossover to write")
    options = parser.parse_args()
    rows_file = options.out / ("ablations.jsonl" if options.ablations else "cells.jsonl")
    if not options.table:
        run(options, rows_file)
    from table import ablation_table, crossover_table

    lines = [json.loads(line) for line in rows_file.read_text().splitlines()] if rows_file.exists() else []
    lines = [line for line in lines if line["row"]["task"] in options.tasks and line["steps"] == options.steps]
    if options.plot is not None:
        from plot import plot

        plot(lines, options.plot)
    print((ablation_table if options.ablations else crossover_table)(lines))
    return 0


def cells(options: argparse.Namespace) -> list:
    from gome_graph.bench.plan import Arm, Cell

    found = []
    for seed in range(options.seeds):
        if options.ablations:
            found += [Cell(task=t, arm=Arm(strategy="gradient", ablation=a), seed=seed) for t in options.tasks for a in ABLATIONS]
            continue
        for q in outside_in(options.levels):
            arms = [Arm(strategy=strategy, reasoner=f"rules@{q:g}") for strategy in options.strategies]
            found += [Cell(task=task, arm=arm, seed=seed) for task in options.tasks for arm in arms]
    return found


def outside_in(count: int) -> list[float]:
    """Levels from 0 to 1, the ends first, then what lies farthest from those that are there.

    >>> outside_in(3)
    [1.0, 0.0, 0.5]
    """
    levels = [round(n / (count - 1), 3) for n in range(count)] if count > 1 else [1.0]
    order = [levels.pop()]
    while levels:
        order.append(max(levels, key=lambda q: (min(abs(q - other) for other in order), -q)))
        levels.remove(order[-1])
    return order


def run(options: argparse.Namespace, rows_file: Path) -> None:
    """Cells until the time is up."""
    end = time.monotonic() + 60 * options.minutes
    tasks = options.out / "tasks"
    subprocess.run([sys.executable, "-m", "gome_graph.bench.tasks", str(tasks), *options.tasks], check=True)
    done = set()
    if rows_file.exists():
        done = {(line["cell"], line["steps"]) for line in map(json.loads, rows_file.read_text().splitlines())}
    from warm import install

    executor = install(options.out / "scripts")
    for cell in cells(options):
        if (cell.name, options.steps) in done:
            continue
        if time.monotonic() > end:
            break
        began = time.monotonic()
        line = one(options, cell, tasks)
        with rows_file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        row = line["row"]
        print(f"{cell.name}: {row['validation']} ({row['improving']}/{row['after']}), {time.monotonic() - began:.0f} s, "
              f"{executor.hits} remembered of {executor.hits + executor.misses}", flush=True)  # fmt: skip


def one(options: argparse.Namespace, cell: object, tasks: Path) -> dict:
    """One cell."""
    from warm import short_run

    extra = ABLATIONS[cell.arm.ablation] if options.ablations else {}
    steps = options.steps if extra.get("traces", 1) == 1 else max(1, options.steps // extra["traces"])
    row, curve = short_run(
        cell, tasks, options.out / "runs" / cell.name, options.script_seconds, max_steps=steps, reasoner=cell.arm.reasoner,
        strategy=cell.arm.strategy, **extra,
    )  # fmt: skip
    return {"cell": cell.name, "steps": options.steps, "row": row, "curve": curve}


if __name__ == "__main__":
    sys.exit(main())
