"""The precision ladder: what speaks for a report beside the person who made it.

Raw reports are wrong more often than right, and training on them destroys a policy (guard.md). Each rung keeps less and is surer:

    raw -> eligible: an expected action was on offer and another one was taken
        -> changed: an earlier policy did what was expected, the one complained about does not
        -> consistent: the log near the request does not speak against it
        -> evidence: near the request, the expected action was logged with better rewards        = tier B: may train, warns
        -> consensus: other people reported the same of a similar request                        = tier A: may block
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gome_graph.records import Record
from gome_guard.log import Array
from gome_guard.ope.intervals import proportion
from gome_guard.records import Evidence, Interval, Tier

STAGES = ("raw", "eligible", "changed", "consistent", "evidence", "consensus")


class LadderSettings(Record):
    """How sure each rung must be."""

    changed: bool = True
    """Ask for a change of behaviour (off: an ablation)."""
    near: float = 0.6
    """Cosine from which a logged request says something about another one."""
    neighbours: int = 40
    """Nearest logged requests that are looked at."""
    min_good: int = 3
    """Logged tries of the expected action near the request."""
    min_bad: int = 1
    """Logged tries of the action complained about near the request (the report itself is one)."""
    margin: float = 0.2
    """By how much the expected action must have been better."""
    fine: float = 0.5
    """Mean reward (in [0, 1]) from which an action does well: the one complained about must not, the expected one must ..."""
    fine_tries: int = 3
    """... where it was tried so often."""
    similar: float = 0.6
    """Cosine from which two reports are about the same thing."""
    voices: int = 2
    """People who must say so, the reporter included."""


@dataclass(frozen=True)
class Reports:
    """n reports joined with their logged requests."""

    x: Array
    """(n, d) unit features of the requests"""
    candidates: Array
    """(n, k) codes"""
    expected: Array
    """(n, k) bool: candidates that the report calls right; none where they were not on offer"""
    taken: Array
    """(n,) position of the action that was taken"""
    before: Array
    """(n,) position of the action that an earlier policy would have taken; -1: unknown"""
    after: Array
    """(n,) position of the action that the policy complained about prefers"""
    claim: Array
    """(n,) code of the (first) expected action, on offer or not; -1: not an action that exists"""
    voice: Array
    """(n,) who reported, as a code"""

    def __len__(self) -> int:
        return len(self.x)

    def __post_init__(self) -> None:
        if len({len(value) for value in vars(self).values()}) > 1:
            raise ValueError("reports must have one row in every array")


@dataclass(frozen=True)
class Nearby:
    """Logged decisions to look for evidence in."""

    x: Array
    taken: Array
    """(m,) codes"""
    reward: Array


class Rung(Record):
    """What a stage kept and dropped."""

    stage: str
    kept: int
    dropped: int
    precision: Interval | None = None
    """Share of the kept that are right, where the truth is known."""


@dataclass(frozen=True)
class Curated:
    """The outcome: masks (n,) by stage, and the evidence of each report."""

    passed: dict[str, Array]
    evidence: list[Evidence]
    rungs: list[Rung]

    def tier(self, index: int) -> Tier | None:
        """The tier of a report, or None if it did not come that far."""
        if self.passed["consensus"][index]:
            return Tier.A
        return Tier.B if self.passed["evidence"][index] else None


def curate(reports: Reports, nearby: Nearby | None, settings: LadderSettings | None = None, *, truth: Array | None = None) -> Curated:
    """Climb the ladder. `truth` (n,) bool, where known (simulations, labelled checks), gives each stage's precision with its interval."""
    s = settings or LadderSettings()
    rows = np.arange(len(reports))
    eligible = reports.expected.any(1) & ~reports.expected[rows, reports.taken]
    did = (reports.before >= 0) & reports.expected[rows, np.maximum(reports.before, 0)]
    changed = did & ~reports.expected[rows, reports.after] if s.changed else np.ones(len(reports), bool)
    passed = {"raw": np.ones(len(reports), bool), "eligible": eligible, "changed": eligible & changed}
    good, bad, tries = _evidence(reports, nearby, s)
    well = (bad >= s.fine) & (tries[1] >= s.fine_tries)
    poor = (good < s.fine) & (tries[0] >= s.fine_tries)
    contradicted = well | poor | ((good <= bad) & (tries[0] >= s.min_good) & (tries[1] >= s.min_bad))
    passed["consistent"] = passed["changed"] & ~contradicted
    better = (good - bad >= s.margin) & (tries[0] >= s.min_good) & (tries[1] >= s.min_bad)
    passed["evidence"] = passed["consistent"] & better
    voices = _voices(reports, passed["eligible"], s)
    passed["consensus"] = passed["evidence"] & (voices >= s.voices)
    evidence = [
        Evidence(
            eligible=bool(eligible[i]), changed=bool(changed[i]), good=None if np.isnan(good[i]) else float(good[i]),
            bad=None if np.isnan(bad[i]) else float(bad[i]), neighbours=int(tries[0][i] + tries[1][i]), similar=int(voices[i] - 1),
        )
        for i in rows
    ]  # fmt: skip
    return Curated(passed, evidence, _rungs(passed, truth))


def _rungs(passed: dict[str, Array], truth: Array | None) -> list[Rung]:
    out, before = [], len(next(iter(passed.values())))
    for stage in STAGES:
        kept = int(passed[stage].sum())
        sure = None if truth is None else proportion(int((passed[stage] & truth).sum()), kept)
        out.append(Rung(stage=stage, kept=kept, dropped=before - kept, precision=sure))
        before = kept
    return out


def _evidence(reports: Reports, nearby: Nearby | None, s: LadderSettings) -> tuple[Array, Array, tuple[Array, Array]]:
    """Mean logged reward of the expected and of the taken action near each request, and how often each was tried there."""
    n = len(reports)
    good, bad, tries = np.full(n, np.nan), np.full(n, np.nan), (np.zeros(n, int), np.zeros(n, int))
    if nearby is None or not len(nearby.x) or not n:
        return good, bad, tries
    rows = np.arange(n)
    taken = reports.candidates[rows, reports.taken]
    top = min(s.neighbours, len(nearby.x))
    for start in range(0, n, CHUNK):
        part = rows[start : start + CHUNK]
        close = reports.x[part] @ nearby.x.T
        index = np.argpartition(-close, top - 1, axis=1)[:, :top]
        near = np.take_along_axis(close, index, 1) >= s.near
        action, reward = nearby.taken[index], nearby.reward[index]
        for values, count, wanted in ((good, tries[0], reports.claim[part]), (bad, tries[1], taken[part])):
            hit = near & (action == wanted[:, None])
            count[part] = hit.sum(1)
            with np.errstate(invalid="ignore"):
                values[part] = (hit * reward).sum(1) / hit.sum(1)
    return good, bad, tries


CHUNK = 512
"""Reports compared at once, so that the matrix of similarities stays small."""


def _voices(reports: Reports, counted: Array, s: LadderSettings) -> Array:
    """Different people who expected the same of a similar request, the reporter included; only reports that are eligible are heard."""
    voices = np.ones(len(reports), int)
    for claim in np.unique(reports.claim[counted]):
        rows = np.flatnonzero(counted & (reports.claim == claim))
        close = reports.x[rows] @ reports.x[rows].T >= s.similar
        for position, row in enumerate(rows):
            voices[row] = len(np.unique(reports.voice[rows[close[position]]]))
    return voices


def right_share(flags: Sequence[bool]) -> Interval:
    """Precision with its interval from a hand-checked sample of kept reports."""
    return proportion(sum(flags), len(flags))
