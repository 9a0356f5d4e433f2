"""The table: how the arms compare over the same tasks and seeds, with paired intervals. Pure arithmetic on rows."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

RESAMPLES = 2000
"""Bootstrap resamples over tasks: the 2.5 % ends then move by about 2 % of the interval."""
BOOTSTRAP_SEED = 5

Row = dict[str, Any]


def worth(row: Row, baseline: Row | None) -> float | None:
    """The score in noise units of its task: (score - reference) / standard error of the reference, positive is better.

    The score is that on the answers where the task has some, else validation. The reference is the first arm's score on the same task and
    seed, so that tasks with different metrics can be averaged.
    """
    if baseline is None or baseline["validation_error"] is None:
        return None
    name = "test" if row["test"] is not None and baseline["test"] is not None else "validation"
    if row[name] is None or baseline[name] is None or not baseline["validation_error"]:
        return None
    sign = 1.0 if row["higher_is_better"] else -1.0
    return float(sign * (row[name] - baseline[name]) / baseline["validation_error"])


def summarise(rows: Sequence[Row]) -> list[Row]:
    """One line an arm, in the order of their first rows."""
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    if not arms:
        return []
    first = {(row["task"], row["seed"]): row for row in rows if row["arm"] == arms[0]}
    ranks = _ranks(rows, arms)
    lines = []
    for arm in arms:
        own = [row for row in rows if row["arm"] == arm]
        gains = {(row["task"], row["seed"]): gain for row in own if (gain := worth(row, first.get((row["task"], row["seed"])))) is not None}
        rates = [row["improvement_rate"] for row in own if row["improvement_rate"] is not None]
        graded = [row for row in own if row["has_thresholds"]]
        lines.append(
            {
                "arm": arm, "runs": len(own), "valid": sum(row["validation"] is not None for row in own), "pairs": len(gains),
                "gain": _mean(list(gains.values())), "gain_sem": sem(list(gains.values())), "gain_interval": interval(gains),
                "better": sum(g > 0 for g in gains.values()), "worse": sum(g < 0 for g in gains.values()), "rank": ranks.get(arm),
                "improving": sum(row["improving"] for row in own), "after": sum(row["after"] for row in own),
                "improvement_rate": _mean(rates), "improvement_sem": sem(rates), "failed": sum(row["failed"] for row in own),
                "brier": _mean([row["brier"] for row in own if row["brier"] is not None]),
                "medals": sum(row["medal"] is not None for row in graded) if graded else None, "graded": len(graded),
                "steps": sum(row["steps"] for row in own), "seconds": round(sum(row["seconds"] for row in own), 1),
                "script_seconds": round(sum(row["script_seconds"] for row in own), 1),
                "tokens": sum(row["tokens"] for row in own),
                "cost": None if any(row["cost"] is None for row in own) else round(sum(row["cost"] for row in own), 4),
            }
        )  # fmt: skip
    return lines


def by_task(rows: Sequence[Row]) -> list[Row]:
    """Mean and SEM over seeds of each arm on each task."""
    lines = []
    for task in dict.fromkeys(row["task"] for row in rows):
        here = [row for row in rows if row["task"] == task]
        cells = {}
        for arm in dict.fromkeys(row["arm"] for row in here):
            own = [row for row in here if row["arm"] == arm]
            name = "test" if all(row["test"] is not None for row in own) else "validation"
            values = [row[name] for row in own if row[name] is not None]
            cells[arm] = {"mean": _mean(values), "sem": sem(values), "n": len(values), "score": name}
        lines.append({"task": task, "metric": here[0]["metric"], "higher_is_better": here[0]["higher_is_better"], "arms": cells})
    return lines


def interval(gains: dict[tuple[str, int], float]) -> tuple[float, float] | None:
    """95 % bootstrap interval of the mean gain; tasks are resampled, with all their seeds: seeds of one task are no new tasks."""
    tasks = sorted({task for task, _ in gains})
    if len(tasks) < 2:
        return None
    means = np.array([np.mean([gain for (task, _), gain in gains.items() if task == name]) for name in tasks])
    random = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = means[random.integers(0, len(means), (RESAMPLES, len(means)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def mean_curve(rows: Sequence[Row], points: Sequence[Row], arm: str, axis: str, grid: Sequence[float]) -> tuple[list[float], list[float]]:
    """Mean and SEM over runs of the best so far at each place of `grid` (``n`` or ``at_seconds``), as gain over the run's own first score
    in noise units. A run without a score yet counts as no gain."""
    runs = {(row["task"], row["seed"]): row for row in rows if row["arm"] == arm}
    lines = []
    for (task, seed), row in runs.items():
        own = [p for p in points if p["arm"] == arm and p["task"] == task and p["seed"] == seed]
        sign = 1.0 if row["higher_is_better"] else -1.0
        lines.append([_at(own, axis, place, sign) for place in grid])
    if not lines:
        return [], []
    table = np.array(lines)
    spread = table.std(axis=0, ddof=1) / math.sqrt(len(lines)) if len(lines) > 1 else np.zeros(len(grid))
    return [float(v) for v in table.mean(axis=0)], [float(v) for v in spread]


def _at(own: Sequence[Row], axis: str, place: float, sign: float) -> float:
    reached = [p for p in own if p[axis] <= place]
    if not reached or not own[0]["error"]:
        return 0.0
    return float(sign * (reached[-1]["score"] - own[0]["score"]) / own[0]["error"])


def _ranks(rows: Sequence[Row], arms: list[str]) -> dict[str, float]:
    """Mean rank among the arms (1 is best, ties share) over the (task, seed) pairs that all arms have ended."""
    found: dict[str, list[float]] = {arm: [] for arm in arms}
    for pair in dict.fromkeys((row["task"], row["seed"]) for row in rows):
        here = {row["arm"]: row for row in rows if (row["task"], row["seed"]) == pair}
        if len(here) < len(arms):
            continue
        name = "test" if all(row["test"] is not None for row in here.values()) else "validation"
        values = {arm: _turned(row, name) for arm, row in here.items()}
        for arm, own in values.items():
            above, equal = sum(other > own for other in values.values()), sum(other == own for other in values.values())
            found[arm].append(above + (equal + 1) / 2)
    return {arm: round(float(np.mean(ranks)), 3) for arm, ranks in found.items() if ranks}


def _turned(row: Row, name: str) -> float:
    """A score of the row, higher is better; a run without one is last."""
    if row[name] is None:
        return -math.inf
    return float(row[name] if row["higher_is_better"] else -row[name])


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 6) if values else None


def sem(values: Sequence[float]) -> float | None:
    """Standard error of the mean; None for fewer than two values."""
    return round(float(np.std(values, ddof=1) / math.sqrt(len(values))), 6) if len(values) > 1 else None
