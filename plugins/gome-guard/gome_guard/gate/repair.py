"""The repair loop: what a candidate that the gate blocks gets before it is given up.

Learn again with the training samples of the failing segments weighted more, and held to the incumbent where it prefers their actions;
judge; at most so many rounds. What fails then falls back to the incumbent, segment by segment, and the whole is judged once more. Only
training samples are weighted: the gate tells one bit a segment and round (``bits_released``), never which of its samples. For a claim
after a repair there is the sealed part.
"""

from collections.abc import Callable, Mapping, Sequence

from gome_graph.records import Record
from gome_guard.gate.from_bank import Verdict
from gome_guard.log import Distribution
from gome_guard.records import Part, RPSample, Status

GROW = 2.0
"""A segment that fails again weighs twice as much as before,"""
MOST_WEIGHT = 8.0
"""up to here: beyond, a dozen samples outvote the log."""


class Round(Record):
    """One candidate of the loop."""

    round: int
    """0: the candidate as it came."""
    verdict: str
    """Id of its verdict, in the bank."""
    decision: str
    failing: list[str]
    """Segments."""
    weights: dict[str, float]
    """Of the training samples of these segments, when it was learnt."""


class Repaired(Record):
    """What became of the candidate."""

    decision: str
    """promote: it passes (or warns) by itself; fallback: with the incumbent in some segments; reject: not even so; insufficient."""
    rounds: list[Round]
    chosen: int
    """Round of the candidate that is served; of those that fail, the one with the fewest failing segments."""
    failing: list[str]
    """Segments that fall back."""
    reasons: list[str]
    bits_released: int


Learn = Callable[[int, Mapping[str, float]], Distribution]
"""(round, weights by segment) -> what the newly learnt candidate does."""
Judge = Callable[[Distribution], Verdict]
FallBack = Callable[[Distribution, Verdict], Distribution]
"""(candidate, verdict) -> the same with the incumbent where the verdict fails it."""


def repair(
    first: Distribution, samples: Sequence[RPSample], learn: Learn, judge: Judge, fall_back: FallBack, *, rounds: int = 3
) -> tuple[Repaired, Distribution]:  # fmt: skip
    """Repair `first`; `samples` are the bank's common part. Returns what became of it, and the policy to serve."""
    taught = {s.segment for s in samples if s.part is Part.TRAIN and s.status is Status.ACTIVE}
    verdict = judge(first)
    tried: list[tuple[Distribution, Verdict, dict[str, float]]] = [(first, verdict, {})]
    weights: dict[str, float] = {}
    reasons: list[str] = []
    while verdict.result.decision == "block" and len(tried) <= rounds:
        mendable = [segment for segment in verdict.result.failing if segment in taught]
        if not mendable:
            reasons.append("no training sample is of a segment that fails: learning again cannot mend it")
            break
        weights = {**weights, **{s: min(MOST_WEIGHT, GROW * weights.get(s, 1.0)) for s in mendable}}
        candidate = learn(len(tried), weights)
        verdict = judge(candidate)
        tried.append((candidate, verdict, weights))
    chosen = len(tried) - 1
    if verdict.result.decision == "block":
        chosen = min(range(len(tried)), key=lambda n: (len(tried[n][1].result.failing), n))
    served, verdict, _ = tried[chosen]
    failing, bits = verdict.result.failing, sum(v.bits_released for _, v, _ in tried)
    decision = {"pass": "promote", "warn": "promote", "insufficient": "insufficient"}.get(verdict.result.decision, "fallback")
    if decision == "fallback":
        served = fall_back(served, verdict)
        verdict = judge(served)
        bits += verdict.bits_released
        if verdict.result.decision not in ("pass", "warn"):
            decision = "reject"
    log = [
        Round(round=n, verdict=v.id, decision=v.result.decision, failing=v.result.failing, weights=w) for n, (_, v, w) in enumerate(tried)
    ]
    return Repaired(
        decision=decision, rounds=log, chosen=chosen, failing=failing, reasons=[*reasons, *verdict.result.reasons], bits_released=bits
    ), served
