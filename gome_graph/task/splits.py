"""Who is in which fold, and who is in the audit, sample and smoke parts. Positions and folds only; no files."""

import numpy as np
from numpy.typing import NDArray

from gome_graph.task.submission import SubmissionFormat

Positions = NDArray[np.int64]
Rng = np.random.Generator


def strata(format: SubmissionFormat, truth: NDArray[np.generic]) -> tuple[NDArray[np.float64], bool]:
    """``(values, continuous)``: what to stratify by, ``(n,)``. Class codes (combinations for several targets), or the number itself.

    Several numeric targets are stratified by the mean of their ranks; texts all fall into one stratum.
    """
    if format.kind == "text":
        return np.zeros(len(truth)), False
    if truth.ndim == 1:
        return truth.astype(np.float64), format.kind == "number"
    if format.kind == "number":
        ranks = np.argsort(np.argsort(truth, axis=0, kind="stable"), axis=0, kind="stable")
        return ranks.mean(axis=1).astype(np.float64), True
    _, codes = np.unique(truth, axis=0, return_inverse=True)
    return codes.reshape(-1).astype(np.float64), False


def stratified_folds(values: NDArray[np.float64], folds: int, rng: Rng, *, continuous: bool) -> Positions:
    """Fold of each row: class by class in turn, or, for numbers, one of each `folds` neighbours in value to each fold."""
    n = len(values)
    order = np.lexsort((rng.random(n), values))
    assigned = np.empty(n, dtype=np.int64)
    if continuous:
        blocks = np.concatenate([rng.permutation(folds) for _ in range(-(-n // folds))])
        assigned[order] = blocks[:n]
    else:
        assigned[order] = rng.permutation(folds)[np.arange(n) % folds]
    return assigned


def random_folds(n: int, folds: int, rng: Rng) -> Positions:
    """Plain shuffled folds."""
    return rng.permutation(np.arange(n, dtype=np.int64) % folds)


def group_folds(groups: NDArray[np.int64], folds: int, rng: Rng) -> Positions:
    """Whole groups (codes from 0) to folds, the largest first to the emptiest fold."""
    sizes = np.bincount(groups)
    filled = np.zeros(folds, dtype=np.int64)
    home = np.zeros(len(sizes), dtype=np.int64)
    for group in np.lexsort((rng.random(len(sizes)), -sizes)):
        home[group] = int(np.argmin(filled))
        filled[home[group]] += sizes[group]
    return home[groups]


def time_folds(times: NDArray[np.int64], folds: int) -> Positions:
    """Contiguous blocks of time (ranks), the earliest first; equal times stay together.

    Every row must be predicted out of fold, so the blocks are those of blocked cross-validation; the audit part is the latest time.
    """
    ordered = np.sort(times, kind="stable")
    bounds = ordered[[min(len(times) - 1, len(times) * fold // folds) for fold in range(1, folds)]]
    return np.searchsorted(bounds, times, side="right").astype(np.int64)


def stratified_part(values: NDArray[np.float64], size: int, rng: Rng, *, continuous: bool) -> Positions:
    """`size` sorted positions spread evenly over the strata; the only member of a class is never taken."""
    n = len(values)
    allowed = np.arange(n)
    if not continuous:
        _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        allowed = allowed[counts[codes] > 1]
    size = min(size, len(allowed))
    if size <= 0:
        return np.empty(0, dtype=np.int64)
    order = allowed[np.lexsort((rng.random(len(allowed)), values[allowed]))]
    steps = ((np.arange(size) + rng.random()) * len(allowed) / size).astype(np.int64)
    return np.sort(order[steps])


def group_part(groups: NDArray[np.int64], size: int, rng: Rng) -> Positions:
    """Positions of whole random groups, about `size` rows and never more than half of the groups."""
    sizes = np.bincount(groups)
    taken: list[int] = []
    rows = 0
    for group in rng.permutation(len(sizes)):
        if rows >= size or len(taken) >= len(sizes) // 2:
            break
        if rows + sizes[group] <= size * 1.5 or not taken:
            taken.append(int(group))
            rows += int(sizes[group])
    return np.flatnonzero(np.isin(groups, taken))


def time_part(times: NDArray[np.int64], size: int) -> Positions:
    """Positions of the latest rows, about `size`; equal times stay together, and an earlier row always remains."""
    cut = np.sort(times)[len(times) - size]
    if cut == times.min():
        cut += 1
    return np.flatnonzero(times >= cut)


def covering_part(values: NDArray[np.float64], folds: Positions, size: int, rng: Rng, *, continuous: bool) -> Positions:
    """`size` sorted positions with, where there is room, two rows of every class in different folds and every fold represented."""
    n = len(values)
    if size >= n:
        return np.arange(n, dtype=np.int64)
    shuffled = rng.permutation(n)
    chosen: list[int] = []
    if not continuous:
        held: dict[float, list[int]] = {}
        for position in shuffled:
            in_folds = held.setdefault(float(values[position]), [])
            if len(in_folds) < 2 and folds[position] not in in_folds:
                in_folds.append(int(folds[position]))
                chosen.append(int(position))
    for fold in np.unique(folds):
        chosen.extend(shuffled[folds[shuffled] == fold][:2].tolist())
    chosen = chosen[:size]
    picked = np.unique(np.array(chosen, dtype=np.int64))
    rest = np.setdiff1d(np.arange(n), picked)
    order = rest[np.lexsort((rng.random(len(rest)), folds[rest], values[rest]))]
    missing = size - len(picked)
    if missing > 0:
        steps = ((np.arange(missing) + rng.random()) * len(order) / missing).astype(np.int64)
        picked = np.concatenate([picked, order[steps]])
    return np.sort(picked)
