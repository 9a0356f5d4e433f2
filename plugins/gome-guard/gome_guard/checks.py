"""What a log must satisfy before anything is estimated from it, and what it can bear."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from pydantic import Field

from gome_graph.errors import TaskError
from gome_graph.records import Record
from gome_guard.log import Array, Log
from gome_guard.records import Feedback, Incident

SHOWN = 5
RARE = 1e-3
"""Probability below which the logging policy hardly explores: one such row weighs as much as a thousand others."""
LOW_ESS = 0.05
"""Effective sample size below this share of the rows: the estimate rests on few of them."""


class Support(Record):
    """Whether the log can say something about a policy."""

    rows: int
    effective: float
    """Kish's effective sample size of the importance weights."""
    largest_weight: float
    outside: float = Field(ge=0)
    """Share of the policy's probability on candidates that were never tried (logging probability 0)."""
    rare: float
    """Share of the policy's probability on candidates tried with probability below `RARE`."""
    mean_weight: float
    """Should be 1; far from it, propensities are wrong (a check of Li et al., WWW 2015)."""
    weight_error: float
    warnings: list[str] = []


def check_feedback(rows: Sequence[Feedback], source: str) -> list[str]:
    """Refuse duplicates and clocks that run backwards within a policy version's first appearances; returns warnings.

    Raises
    ------
    TaskError
        Naming the rows.
    """
    seen: dict[str, int] = {}
    twice = []
    for number, row in enumerate(rows, 1):
        if row.id in seen:
            twice.append(f"row {number} repeats id {row.id!r} of row {seen[row.id]}")
        seen.setdefault(row.id, number)
    if twice:
        raise TaskError(f"{source}: {len(twice)} duplicates: {'; '.join(twice[:SHOWN])}; ids must be unique, nothing was taken.")
    aware = {row.at.tzinfo is not None for row in rows}
    if len(aware) == 2:
        naive = next(number for number, row in enumerate(rows, 1) if row.at.tzinfo is None)
        raise TaskError(f"{source}: some times have a time zone and others none (first: row {naive}); write all of them with one.")
    back = [number for number, (old, new) in enumerate(pairwise(rows), 2) if new.at < old.at]
    if back:
        where = ", ".join(map(str, back[:SHOWN]))
        raise TaskError(
            f"{source}: the clock runs backwards at {len(back)} rows (first: {where}); sort the log by `at`, nothing was taken."
        )
    warnings = []
    certain = sum(row.propensity == 1 and len(row.candidates) > 1 for row in rows)
    if certain:
        warnings.append(
            f"{certain} of {len(rows)} rows were decided with probability 1 among several candidates: they say nothing about others"
        )
    constant = len({row.reward for row in rows}) == 1
    if constant:
        warnings.append("all rewards are the same")
    return warnings


def check_incidents(incidents: Sequence[Incident], log: dict[str, Feedback], source: str) -> list[str]:
    """Incidents must be of logged requests, not before them, about the action that was taken. Returns warnings; refuses by row."""
    wrong, unknown = [], 0
    seen: set[str] = set()
    for number, incident in enumerate(incidents, 1):
        if incident.id in seen:
            wrong.append(f"row {number} repeats id {incident.id!r}")
        seen.add(incident.id)
        row = log.get(incident.request)
        if row is None:
            unknown += 1
            continue
        if (incident.at.tzinfo is None) == (row.at.tzinfo is None) and incident.at < row.at:
            wrong.append(f"row {number}: reported at {incident.at}, before its request at {row.at}")
        if incident.taken is not None and incident.taken != row.action:
            wrong.append(f"row {number}: complains about {incident.taken!r}, but {row.action!r} was taken")
    if wrong:
        raise TaskError(f"{source}: {len(wrong)} rows are refused: {'; '.join(wrong[:SHOWN])}; nothing was taken.")
    return [f"{unknown} of {len(incidents)} incidents are of requests that are not in the log; they cannot be curated"] if unknown else []


def support(log: Log, policy: Array) -> Support:
    """Overlap of a policy ``(n, k)`` with what was logged."""
    weight = log.at_chosen(policy) / log.propensity
    total, squares = float(weight.sum()), float((weight**2).sum())
    effective = total**2 / squares if squares else 0.0
    outside = rare = 0.0
    if log.logging is not None:
        outside = float((policy * (log.logging <= 0)).sum() / len(log))
        rare = float((policy * ((log.logging > 0) & (log.logging < RARE))).sum() / len(log))
    error = float(weight.std() / np.sqrt(len(log)))
    found = []
    if outside > 0:
        found.append(f"{outside:.1%} of its decisions were never tried by the logging policy: their value is the reward model's guess")
    if effective < LOW_ESS * len(log):
        found.append(f"the estimate rests on {effective:.0f} effective rows of {len(log)}")
    if abs(weight.mean() - 1) > 4 * error + outside + 1e-9:
        found.append(f"importance weights average {weight.mean():.3f} instead of 1: propensities, or the join, are wrong")
    return Support(
        rows=len(log), effective=effective, largest_weight=float(weight.max(initial=0.0)), outside=outside, rare=rare,
        mean_weight=float(weight.mean()), weight_error=error, warnings=found,
    )  # fmt: skip
