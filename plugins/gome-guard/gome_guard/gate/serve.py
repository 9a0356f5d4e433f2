"""What to serve while a candidate is not good enough everywhere: itself, the incumbent where it fails, a lesson where one says so."""

from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np

from gome_graph.records import Record
from gome_guard.gate.from_bank import Verdict
from gome_guard.gate.override import fall_back
from gome_guard.gate.table import OverrideTable, Overruled
from gome_guard.log import Distribution, align, build, distribution, preferred
from gome_guard.records import Feedback, RPSample


class Plan(Record):
    """Why the served policy is not the candidate alone."""

    failing: list[str]
    """Actions whose segments the gate refuses: where the incumbent prefers one of them, it stays."""
    held: list[str]
    """Actions in quarantine, the same."""
    requests: int
    from_incumbent: int
    overruled: list[Overruled]


def failing_actions(samples: Sequence[RPSample], verdict: Verdict) -> list[str]:
    """Accepted actions of the segments that a verdict fails."""
    failing = set(verdict.result.failing)
    return sorted({action for sample in samples if sample.segment in failing for action in sample.accept})


def compose(
    rows: Sequence[Feedback], candidate: Distribution, incumbent: Distribution, *, failing: Collection[str] = (),
    held: Collection[str] = (), table: OverrideTable | None = None, now: datetime,
) -> tuple[Distribution, Plan]:  # fmt: skip
    """The policy to serve on `rows`, and the plan behind it.

    Raises
    ------
    TaskError
        If candidate or incumbent say nothing about a request.
    """
    log = build(rows)
    new, old = align(log, candidate, "the candidate"), align(log, incumbent, "the incumbent")
    stays = [code for code, action in enumerate(log.actions) if action in {*failing, *held}]
    old_action = preferred(log, old)
    served = fall_back(new, old, old_action, np.array(stays, dtype=int))
    overruled: list[Overruled] = []
    if table is not None and len(table):
        overruled = table.choose(rows, [log.actions[code] for code in preferred(log, served)], now)
    out = distribution(log, served)
    for each in overruled:
        out[each.request] = {action: float(action == each.becomes) for action in out[each.request]}
    plan = Plan(
        failing=sorted(failing), held=sorted(held), requests=len(rows), from_incumbent=int(np.isin(old_action, stays).sum()),
        overruled=overruled,
    )  # fmt: skip
    return out, plan
