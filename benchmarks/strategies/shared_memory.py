"""What a memory of other tasks brings: leave one task out, and count the steps until the score of the run without it is reached.

    python benchmarks/strategies/shared_memory.py --out DIR [--seeds 2] [--steps 10] [--tasks ...] [--table]

Each task is first run with a memory of its own, empty at the start (*cold*). Then each is run again with what the cold runs of all other
tasks remembered under the same seed (*shared*): what ``--memory`` with a folder that several runs share gives. Tasks, operators, executor
and limits are those of `crossover`; the reasoner is the rules at full strength. A pair that is done is not done again.

*Steps to reach*: the first step whose best score is at least that of the whole cold run; one more than all steps where none is.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from crossover import TASKS
from table import gain, mean, paired, test_gain


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--script-seconds", type=float, default=4.0)
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--table", action="store_true", help="print the table of what is there, and run nothing")
    options = parser.parse_args()
    rows_file = options.out / "memory.jsonl"
    done = [json.loads(line) for line in rows_file.read_text().splitlines()] if rows_file.exists() else []
    if not options.table:
        done = run(options, rows_file, done)
    print(table(done, options.steps))
    return 0


def run(options: argparse.Namespace, rows_file: Path, done: list[dict]) -> list[dict]:
    """All cold runs of a seed, then the shared ones."""
    from warm import install

    tasks = options.out / "tasks"
    subprocess.run([sys.executable, "-m", "gome_graph.bench.tasks", str(tasks), *options.tasks], check=True)
    install(options.out / "scripts")
    for seed in range(options.seeds):
        for arm in ("cold", "shared"):
            for task in options.tasks:
                if any((line["arm"], line["row"]["task"], line["row"]["seed"]) == (arm, task, seed) for line in done):
                    continue
                memory = options.out / "memories" / f"{arm}-{task}-{seed}"
                shutil.rmtree(memory, ignore_errors=True)
                if arm == "shared":
                    others = [options.out / "memories" / f"cold-{other}-{seed}" for other in options.tasks if other != task]
                    gather(memory, others)
                line = one(options, tasks, task, seed, arm, memory)
                with rows_file.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                done.append(line)
                print(f"{arm} {task} {seed}: {line['row']['validation']} ({line['row']['improving']}/{line['row']['after']})", flush=True)
    return done


def gather(memory: Path, others: list[Path]) -> None:
    """One memory of what several runs have remembered."""
    from gome_memory.store import Store

    store = Store(memory)
    for folder in others:
        other = Store(folder, read_only=True)
        store.write(other.select())
        other.close()
    store.close()


def one(options: argparse.Namespace, tasks: Path, task: str, seed: int, arm: str, memory: Path) -> dict:
    """One run; its memory stays."""
    from warm import short_run

    from gome_graph.bench.plan import Arm, Cell

    row, curve = short_run(
        Cell(task=task, arm=Arm(strategy="gradient"), seed=seed), tasks, options.out / "runs" / f"{arm}-{task}-{seed}",
        options.script_seconds, max_steps=options.steps, memory="exact", memory_path=memory,
    )  # fmt: skip
    return {"arm": arm, "row": row, "curve": curve}


def steps_to_reach(line: dict, goal: dict, steps: int) -> int:
    """Steps of a run until its best is at least the goal's last."""
    sign = 1.0 if line["row"]["higher_is_better"] else -1.0
    reached = [point["n"] for point in line["curve"] if sign * (point["score"] - goal["curve"][-1]["score"]) >= 0]
    return min(reached, default=steps + 1)


def table(lines: list[dict], steps: int) -> str:
    """By task, means over seeds; below it the paired differences over tasks."""
    here = {(line["arm"], line["row"]["task"], line["row"]["seed"]): line for line in lines}
    pairs = [key[1:] for key in here if key[0] == "cold" and ("shared", *key[1:]) in here and here[key]["curve"]]
    out = ["| task | gain cold | gain shared | steps to reach the cold best: cold | shared | improving cold | shared |", "|" + "---|" * 7]
    for task in dict.fromkeys(pair[0] for pair in pairs):
        own = [pair for pair in pairs if pair[0] == task]
        cold, shared = ([here[arm, *pair] for pair in own] for arm in ("cold", "shared"))
        counts = [np.mean([steps_to_reach(line, goal, steps) for line, goal in zip(arm, cold, strict=True)]) for arm in (cold, shared)]
        improving = [
            f"{sum(line['row']['improving'] for line in arm)} of {sum(line['row']['after'] for line in arm)}" for arm in (cold, shared)
        ]
        out.append(f"| {task} | {np.mean([gain(x) for x in cold]):+.2f} | {np.mean([gain(x) for x in shared]):+.2f} | {counts[0]:.1f} | "
                   f"{counts[1]:.1f} | {improving[0]} | {improving[1]} |")  # fmt: skip
    gains = {pair: gain(here["shared", *pair]) - gain(here["cold", *pair]) for pair in pairs}
    answers = {pair: value for pair in pairs if (value := test_gain(here["shared", *pair], here["cold", *pair])) is not None}
    saved = {
        pair: float(
            steps_to_reach(here["cold", *pair], here["cold", *pair], steps)
            - steps_to_reach(here["shared", *pair], here["cold", *pair], steps)
        )
        for pair in pairs
    }
    out += ["", f"Shared against cold over {len(pairs)} pairs: gain {mean(gains)} {paired(gains, '')}; answers {mean(answers)} "
                f"{paired(answers, '')}; steps saved {mean(saved)} {paired(saved, '')} [95 % over tasks]."]  # fmt: skip
    return "\n".join(out)


if __name__ == "__main__":
    sys.exit(main())
