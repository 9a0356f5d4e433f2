"""The main job on prepared competitions: what `gome run` makes of them in a given budget, graded on private answers after each run.

    python benchmarks/competitions.py ROOT TASK [TASK ...] [--budget 5m] [--seeds 0] [--out DIR]

ROOT holds one prepared folder a task (``public/``, ``private/``, ``meta.json``). Prints a Markdown row a run: best first draft, final
solution, the audit score, the score on the private answers with medal, and steps. Nothing here is read by a run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def gome(*arguments: object) -> dict[str, Any]:
    """One `gome` command with --json, in a process of its own; its result with the exit code."""
    command = [sys.executable, "-m", "gome_graph.cli", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        value: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        value = {"error": done.stderr.strip()[-300:]}
    return {**value, "exit_code": done.returncode}


def score(value: dict[str, Any] | None) -> str:
    """``0.8041 ± 0.0047``."""
    return f"{value['value']:.4f} ± {value['standard_error']:.4f}" if value else "-"


def row(root: Path, task: str, budget: str, seed: int, out: Path) -> str:
    """Run one task and grade it."""
    run = out / f"{task}-{seed}"
    result = gome("run", root / task, "--budget", budget, "--seed", seed, "--out", run)
    if result["exit_code"] != 0:
        return f"| {task} | {seed} | exit {result['exit_code']}: {result.get('error', '')} |"
    grade = gome("grade", run)
    better = "-"
    first, final = result["first_score"], result["score"]
    if first and final:
        gain = final["value"] - first["value"] if final["higher_is_better"] else first["value"] - final["value"]
        better = f"{gain:+.4f}"
    medal = grade.get("medal") or ("none" if grade.get("thresholds") else "no thresholds")
    return (
        f"| {task} | {seed} | {final['metric']} | {score(first)} | {score(final)} | {better} | {score(result['audit'])} "
        f"| {grade.get('score')} | {medal} | {grade.get('above_median')} | {result['accepted']} of {result['steps']} "
        f"| {result['spent_seconds']:.0f} s |"
    )


def main() -> None:
    """Run all tasks and seeds, one after the other: they would share the cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--budget", default="5m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="gome-competitions-"))
    print("| task | seed | metric | best first draft | final | gain | audit | private | medal | above median | accepted | time |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for task in arguments.tasks:
        for seed in arguments.seeds:
            print(row(arguments.root, task, arguments.budget, seed, out), flush=True)


if __name__ == "__main__":
    main()
