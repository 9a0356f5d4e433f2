"""Medals as MLE-Bench reports them: shares of the tasks by seed, then mean and standard error over the seeds. Pure functions."""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

Run = dict[str, Any]

MEASURES: dict[str, Callable[[Run], bool]] = {
    "valid submission": lambda run: bool(run.get("valid")),
    "above median": lambda run: bool(run.get("above_median")),
    "bronze": lambda run: run.get("medal") == "bronze",
    "silver": lambda run: run.get("medal") == "silver",
    "gold": lambda run: run.get("medal") == "gold",
    "any medal": lambda run: run.get("medal") is not None,
}


@dataclass(frozen=True)
class Share:
    """Percent of the tasks, over seeds."""

    mean: float
    error: float
    """Standard error of the mean over the seeds; NaN with one seed."""

    def __str__(self) -> str:
        return f"{self.mean:.1f} %" if math.isnan(self.error) else f"{self.mean:.1f} ± {self.error:.1f} %"


def share(by_seed: list[float]) -> Share:
    """Mean and standard error of one figure a seed."""
    error = stdev(by_seed) / math.sqrt(len(by_seed)) if len(by_seed) > 1 else float("nan")
    return Share(fmean(by_seed), error)


def shares(runs: list[Run]) -> dict[str, Share]:
    """Every measure over the runs of tasks that have medal thresholds; a run without a valid submission counts as none of them."""
    by_seed: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        if run.get("has_thresholds"):
            by_seed[run["seed"]].append(run)
    if not by_seed:
        return {}
    return {name: share([100 * fmean(map(holds, of)) for of in by_seed.values()]) for name, holds in MEASURES.items()}


def uneven(runs: list[Run]) -> list[str]:
    """Tasks that some seed lacks: means over the seeds would then mix tasks."""
    seeds = {run["seed"] for run in runs}
    of: dict[str, set[int]] = defaultdict(set)
    for run in runs:
        of[run["task"]].add(run["seed"])
    return sorted(task for task, mine in of.items() if mine != seeds)
