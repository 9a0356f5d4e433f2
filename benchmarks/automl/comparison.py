"""Table maths of the benchmark: ranks, normalised scores, noise, paired intervals. Pure functions on cells."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

BOOTSTRAP = 10_000
"""Resamples of the tasks for an interval."""
LEVEL = 0.95

Cell = dict[str, Any]


def loss(cell: Cell) -> float:
    """The score so that less is better; infinite for a failed cell."""
    if cell.get("score") is None:
        return float("inf")
    return -float(cell["score"]) if cell["higher_is_better"] else float(cell["score"])


def ranks(losses: dict[str, float]) -> dict[str, float]:
    """Rank by system, 1 is best; equal losses (two failures too) share the mean of their ranks."""
    ordered = sorted(losses.values())
    places: dict[float, list[int]] = defaultdict(list)
    for place, value in enumerate(ordered, start=1):
        places[value].append(place)
    return {system: fmean(places[value]) for system, value in losses.items()}


@dataclass(frozen=True)
class TaskRow:
    """One task over its seeds."""

    task: str
    metric: str
    higher_is_better: bool
    seeds: tuple[int, ...]
    """Seeds for which every system has a cell; the others do not count."""
    score: dict[str, float]
    """Mean score by system over those seeds; NaN where any failed."""
    rank: dict[str, float]
    """Mean over the seeds of the rank within the seed."""
    failed: dict[str, int]
    sd: float
    """Noise of the held-out score: mean over the seeds of the best system's bootstrap SD."""

    def loss(self, system: str) -> float:
        """Less is better; infinite where a seed failed."""
        value = self.score[system]
        return float("inf") if np.isnan(value) else -value if self.higher_is_better else value

    def normalised(self) -> dict[str, float]:
        """1 for the best system of this task, 0 for the worst that gave a result and for those that failed."""
        known = {s: self.loss(s) for s in self.score if np.isfinite(self.loss(s))}
        if not known:
            return dict.fromkeys(self.score, 0.0)
        best, worst = min(known.values()), max(known.values())
        span = worst - best
        return {s: (1.0 if span == 0 else (worst - known[s]) / span) if s in known else 0.0 for s in self.score}

    def behind(self, system: str, others: tuple[str, ...]) -> float:
        """How far `system` is behind the best of `others`, in noise SDs; negative where it is ahead."""
        rivals = [self.loss(s) for s in others if s in self.score]
        best = min(rivals, default=float("inf"))
        if not np.isfinite(self.loss(system)):
            return float("inf")
        return (self.loss(system) - best) / self.sd if np.isfinite(best) else float("-inf")


def rows(cells: list[Cell], systems: list[str]) -> list[TaskRow]:
    """One row a task, from the seeds that all `systems` have."""
    by_task: dict[str, dict[int, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
    for cell in cells:
        if cell["system"] in systems:
            by_task[cell["task"]][cell["seed"]][cell["system"]] = cell
    found = []
    for task, by_seed in by_task.items():
        seeds = tuple(sorted(seed for seed, mine in by_seed.items() if len(mine) == len(systems)))
        known = next((c for mine in by_seed.values() for c in mine.values() if c.get("metric")), None)
        if not seeds or known is None:
            continue
        whole = [by_seed[seed] for seed in seeds]
        each = [ranks({s: loss(mine[s]) for s in systems}) for mine in whole]
        noise = [min((c for c in mine.values() if c.get("score") is not None), key=loss, default={"sd": np.nan})["sd"] for mine in whole]
        found.append(
            TaskRow(
                task, known["metric"], known["higher_is_better"], seeds,
                score={s: fmean(float("nan") if m[s].get("score") is None else m[s]["score"] for m in whole) for s in systems},
                rank={s: fmean(rank[s] for rank in each) for s in systems},
                failed={s: sum(m[s].get("score") is None for m in whole) for s in systems},
                sd=float(np.nanmean(noise)) if not np.isnan(noise).all() else float("nan"),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences with its bootstrap interval over the pairs."""

    mean: float
    low: float
    high: float


def paired(differences: list[float], seed: int = 0) -> Difference:
    """Mean and percentile interval; tasks are resampled, since they are the sample of what users bring."""
    values = np.asarray(differences, dtype=float)
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (BOOTSTRAP, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(float(values.mean()), float(low), float(high))


def wins(table: list[TaskRow], ours: str, peer: str) -> tuple[int, int, int]:
    """(better by more than one noise SD, within, worse by more)."""
    better = within = worse = 0
    for row in table:
        gap = row.behind(ours, (peer,))
        better, within, worse = better + (gap < -1), within + (-1 <= gap <= 1), worse + (gap > 1)
    return better, within, worse
