"""Judge a candidate on the bank's samples.

Per sample (guard.md, "Validate"): **eligibility**, is an accepted action still on offer; **intersection probability** p = sum of pi(a|x)
over accepted candidates, clean and its minimum over M noisy copies, against a threshold; **certainty**, the share of copies on the clean
side. A sample on which the incumbent passes and the candidate does not is a **flip**. A sample whose accepted actions are on offer no
longer is stale and neither passes nor fails.

Per segment: k flips among n samples on which the incumbent is right. Some churn is the price of any retraining, so k is tested
against the churn floor c, P(Bin(n, c) >= k), with Holm's correction over segments. Segments with fewer than `min_n` such samples are
pooled; where even the pool is too small, the answer is `insufficient`: never a pass, never a block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from gome_graph.records import Record
from gome_guard.gate.power import false_block, power, smallest_failing
from gome_guard.log import Array
from gome_guard.ope.multiplicity import holm

POOL = "(small segments)"
"""Name of the segment that pools those with too few samples."""


class GatePolicy(Record):
    """When a segment fails."""

    tau: float = 0.5
    """Intersection probability that counts as doing it."""
    copies: int = 8
    """M, noisy copies."""
    sigma: float = 0.3
    """Their noise, in units of the representation's root mean square."""
    rule: str = "exact"
    """exact: binomial test against churn, Holm over segments; tolerance: more than `allowed` flips fail, whatever n."""
    allowed: int = 1
    alpha: float = 0.05
    churn: float = 0.02
    """Flips that retraining makes by chance; measure it with re-seeded incumbents (`measure_churn`)."""
    min_n: int = 10
    """Samples with a right incumbent, below which a segment is not judged by itself: 10 find a half-broken segment 99 times in 100."""
    dispute_after: int = 3
    """A sample that stood against so many otherwise significantly better candidates no longer blocks and goes to a person."""


class SampleResult(Record):
    """One sample's test."""

    id: str
    segment: str
    status: str
    """pass | flip | gain | fragile | known_failure | stale"""
    eligibility: float
    before: float
    """Intersection probability of the incumbent."""
    after: float
    """Of the candidate."""
    lowest: float
    """Its minimum over the noisy copies."""
    certainty: float


class SegmentResult(Record):
    """One segment's test."""

    segment: str
    n: int
    """Samples on which the incumbent is right."""
    flips: int
    gains: int
    fragile: int
    p_value: float | None = None
    p_adjusted: float | None = None
    fails_from: int | None = None
    """Flips from which this segment would fail alone."""
    power_30: float | None = None
    """Probability to find a segment of which 30 % is broken."""
    power_50: float | None = None
    false_block: float | None = None
    """Probability to fail with churn alone."""
    status: str
    """pass | fail | warn | insufficient"""
    members: list[str] = []
    """Of the pool: the segments in it."""


class GateResult(Record):
    """The verdict of the bank."""

    decision: str
    """pass | warn | block | insufficient"""
    reasons: list[str]
    segments: list[SegmentResult]
    samples: list[SampleResult]
    stale: int
    family_false_block: float
    """Upper bound of the probability to block a candidate that differs by churn alone."""

    @property
    def failing(self) -> list[str]:
        """Segments that fail; of the pool, its members with flips."""
        out: list[str] = []
        flipped = {s.segment for s in self.samples if s.status == "flip"}
        for item in self.segments:
            if item.status == "fail":
                out += [m for m in item.members if m in flipped] if item.members else [item.segment]
        return out


@dataclass(frozen=True)
class GateSamples:
    """n samples as arrays."""

    ids: Sequence[str]
    segments: Sequence[str]
    accept: Array
    """(n, k) bool over the candidates that are on offer today"""
    blocks: Array
    """(n,) bool: may block (tier A, not disputed); the others warn"""


def check(samples: GateSamples, before: Array, after: Array, noisy: Array | None, policy: GatePolicy | None = None) -> GateResult:
    """Judge ``after`` (n, k) against ``before`` (n, k); `noisy` (copies, n, k) are the candidate's probabilities under noise."""
    p = policy or GatePolicy()
    if not len(samples.ids):
        return GateResult(decision="insufficient", reasons=["the bank holds no samples for the gate"], segments=[], samples=[], stale=0,
                          family_false_block=0.0)  # fmt: skip
    tested = _samples(samples, before, after, noisy, p)
    segments = _segments(tested, [bool(may) for may in samples.blocks], p)
    decision, reasons = _decide(segments)
    stale = sum(s.status == "stale" for s in tested)
    if stale:
        reasons.append(f"{stale} samples are stale: their accepted actions are on offer no longer")
    judged = [s for s in segments if s.false_block is not None]
    family = (
        min(p.alpha, sum(s.false_block or 0.0 for s in judged))
        if p.rule == "exact"
        else 1 - float(np.prod([1 - (s.false_block or 0.0) for s in judged]))
    )
    return GateResult(decision=decision, reasons=reasons, segments=segments, samples=tested, stale=stale, family_false_block=family)


def _samples(samples: GateSamples, before: Array, after: Array, noisy: Array | None, p: GatePolicy) -> list[SampleResult]:
    old, new = (before * samples.accept).sum(1), (after * samples.accept).sum(1)
    copies = new[None, :] if noisy is None else (noisy * samples.accept[None]).sum(-1)
    lowest: Array = np.min(copies, axis=0)
    certainty: Array = np.mean(np.equal(copies >= p.tau, new >= p.tau), axis=0)
    eligible: Array = np.any(samples.accept, axis=1)
    out = []
    for i, key in enumerate(samples.ids):
        if not eligible[i]:
            status = "stale"
        elif new[i] < p.tau:
            status = "flip" if old[i] >= p.tau else "known_failure"
        elif old[i] < p.tau:
            status = "gain"
        else:
            status = "pass" if lowest[i] >= p.tau else "fragile"
        out.append(
            SampleResult(
                id=key, segment=samples.segments[i], status=status, eligibility=float(eligible[i]), before=float(old[i]),
                after=float(new[i]), lowest=float(lowest[i]), certainty=float(certainty[i]),
            )
        )  # fmt: skip
    return out


JUDGED = ("pass", "flip", "fragile")


def _segments(tested: Sequence[SampleResult], blocks: Sequence[bool], p: GatePolicy) -> list[SegmentResult]:
    groups: dict[str, list[int]] = {}
    for i, sample in enumerate(tested):
        if sample.status != "stale":
            groups.setdefault(sample.segment, []).append(i)
    large = {name: rows for name, rows in groups.items() if sum(tested[i].status in JUDGED for i in rows) >= p.min_n}
    small = {name: rows for name, rows in groups.items() if name not in large}
    found = [_count(name, [tested[i] for i in rows], [blocks[i] for i in rows], p) for name, rows in sorted(large.items())]
    if small:
        rows = [i for name in sorted(small) for i in small[name]]
        found.append(_count(POOL, [tested[i] for i in rows], [blocks[i] for i in rows], p, members=sorted(small)))
    adjusted = iter(holm([s.p_value for s in found if s.p_value is not None]))
    return [s if s.p_value is None else _judge(s, next(adjusted), p) for s in found]


def _count(name: str, rows: Sequence[SampleResult], blocks: Sequence[bool], p: GatePolicy, members: Sequence[str] = ()) -> SegmentResult:
    n = sum(r.status in JUDGED for r in rows)
    flips = sum(r.status == "flip" for r in rows)
    counts = {"n": n, "flips": flips, "gains": sum(r.status == "gain" for r in rows), "fragile": sum(r.status == "fragile" for r in rows)}
    if n < p.min_n:
        return SegmentResult(segment=name, **counts, status="insufficient", members=list(members))
    edge = smallest_failing(n, p.churn, p.alpha) if p.rule == "exact" else p.allowed + 1
    hard = not flips or any(may for may, r in zip(blocks, rows, strict=True) if r.status == "flip")
    return SegmentResult(
        segment=name, **counts, p_value=float(stats.binom.sf(flips - 1, n, p.churn)), fails_from=edge, power_30=power(n, 0.3, edge),
        power_50=power(n, 0.5, edge), false_block=false_block(n, p.churn, edge), status="fail" if hard else "warn", members=list(members),
    )  # fmt: skip


def _judge(segment: SegmentResult, adjusted: float, p: GatePolicy) -> SegmentResult:
    bad = adjusted <= p.alpha if p.rule == "exact" else segment.flips > p.allowed
    return segment.model_copy(update={"p_adjusted": adjusted, "status": segment.status if bad else "pass"})


def _decide(segments: Sequence[SegmentResult]) -> tuple[str, list[str]]:
    by = {status: [s for s in segments if s.status == status] for status in ("fail", "warn", "insufficient", "pass")}
    reasons = [
        f"{s.segment}: {s.flips} of {s.n} samples that the incumbent gets right are broken (p = {s.p_adjusted:.2g} after Holm)"
        for s in [*by["fail"], *by["warn"]]
    ]
    reasons += [f"{s.segment}: only {s.n} samples that the incumbent gets right; nothing can be said" for s in by["insufficient"]]
    if by["fail"]:
        return "block", reasons
    if by["warn"]:
        return "warn", reasons
    if not by["pass"]:
        return "insufficient", reasons or ["no sample could be judged"]
    return ("warn" if by["insufficient"] else "pass"), reasons
