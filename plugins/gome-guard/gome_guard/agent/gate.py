"""``gome_validate``: an accepted step must not ruin a slice, nor repeat a case; what it loses for the first time becomes one.

The bank is ``<run>/guard``, shared by the traces of a run: what one trace learns protects the others. A step is judged once; its
verdict is read back when a killed run is resumed, so that nothing counts twice.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gome_graph.records import Check, Solution, Verdict, VerdictKind
from gome_guard.agent.cases import Case, aged, lost_slices, make_case, repeated, ruined
from gome_guard.agent.slices import cuts, identities
from gome_guard.bank import Bank
from gome_guard.log import Array
from gome_guard.records import Status

if TYPE_CHECKING:
    import pandas as pd

    from gome_graph.hooks import GateFacts

FOLDER = "guard"
CHECK = "guard"
MIN_ROWS = 200
"""Training rows below which slices say nothing."""


def validate(solution: Solution, verdict: Verdict, facts: "GateFacts") -> Verdict | None:
    """A vetoed verdict if the step repeats a case of the run, else None."""
    if facts.incumbent is None:
        return None
    new, old = facts.measured(solution.step), facts.measured(facts.incumbent)
    if new.row_losses is None or old.row_losses is None or len(new.frame) < MIN_ROWS:
        return None
    root = facts.run_dir / FOLDER
    identity, ways = _rows(root, new.frame, new.format.targets)
    with _alone(root), Bank(root, create=True) as bank:
        known = {json.loads(text)["key"]: json.loads(text) for text in bank.verdicts()}
        if solution.step in known:
            return _vetoed(verdict, known[solution.step]["reason"]) if known[solution.step]["refused"] else None
        cases = [Case.model_validate_json(text) for text in bank.records()]
        fired = repeated(cases, old.row_losses, new.row_losses, identity)
        blocking = [(case, lost) for case, lost in fired if case.status is Status.ACTIVE]
        reason = _reason(blocking, len(new.frame)) if blocking else ""
        hit = {case.id for case, _ in blocking}
        for case in cases:
            if case.status is Status.ACTIVE:
                later = aged(case, case.id in hit)
                bank.put_record(
                    case.id, later.model_dump_json(), f"case_{later.status.value}", {"step": solution.step, "fired": case.id in hit}
                )
        if not blocking:
            lost = lost_slices(old.row_losses, new.row_losses, ways)
            for each in lost:
                case = make_case(solution.step, each, identity, ways)
                bank.put_record(case.id, case.model_dump_json(), "case_added", {"step": solution.step, "rows": each.n, "lost": each.lost})
            if worst := max(ruined(lost), key=lambda each: each.lost, default=None):
                reason = (
                    f"it ruins a slice: {worst.n} of {len(new.frame)} rows lose {worst.lost:+.2f} standard deviations of the row loss "
                    f"(p = {worst.p_adjusted:.1g}), though the mean over all rows is better"
                )
        note = {"key": solution.step, "refused": bool(reason), "reason": reason, "fired": sorted(case.id for case, _ in fired)}
        bank.add_verdict(solution.step, json.dumps(note, sort_keys=True))
    return _vetoed(verdict, reason) if reason else None


_seen: dict[tuple[Path, int], tuple[Array, list[Array]]] = {}
MOST_SEEN = 4
"""Runs of one process whose rows are remembered."""


def _rows(root: Path, frame: "pd.DataFrame", targets: Sequence[str]) -> tuple[Array, list[Array]]:
    """Identities of the run's training rows, and the ways to cut them into slices: the same for all its steps, so worked out once.

    By inputs alone: an update that moves between classes what it gets wrong would be refused for one of them.
    """
    place = root.resolve(), len(frame)
    if place not in _seen:
        while len(_seen) >= MOST_SEEN:
            _seen.pop(next(iter(_seen)), None)
        _seen[place] = identities(frame), cuts(frame.drop(columns=list(targets), errors="ignore"))
    return _seen[place]


def _vetoed(verdict: Verdict, reason: str) -> Verdict:
    return verdict.model_copy(
        update={"kind": VerdictKind.VETOED, "reason": reason, "checks": [*verdict.checks, Check(name=CHECK, passed=False, detail=reason)]}
    )


def _reason(blocking: list[tuple[Case, float]], rows: int) -> str:
    worst, lost = max(blocking, key=lambda pair: pair[1])
    more = f" and {len(blocking) - 1} other known slices" if len(blocking) > 1 else ""
    return (
        f"it repeats a known regression: {len(worst.rows)} of {rows} rows that {worst.step} made worse lose again "
        f"({lost:+.2f} standard deviations of the row loss, {worst.lost:+.2f} then){more}"
    )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One judgement at a time: traces are threads, and what one adds the next must see."""
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
