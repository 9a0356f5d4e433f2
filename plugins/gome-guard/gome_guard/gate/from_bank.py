"""The gate on a real bank: samples joined with what candidate and incumbent do, verdicts, disputes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from gome_graph.records import Record
from gome_guard.gate.check import GatePolicy, GateResult, GateSamples, check
from gome_guard.log import Array, Distribution, seconds
from gome_guard.records import RPSample, Status, Tier, content_id


class Verdict(Record):
    """One candidate's verdict; a function of its inputs alone, so that the same inputs give the same id."""

    id: str
    candidate: str
    """Hash of what the candidate does on the suite."""
    incumbent: str
    suite: str
    """Hash of the samples judged by."""
    policy: GatePolicy
    result: GateResult
    missing: list[str]
    """Samples that candidate or incumbent say nothing about: no evidence, so neither pass nor block."""
    lower_bound: float | None = None
    """Of the candidate's gain, where an evaluation was given."""
    bits_released: int
    """What the gate told about its samples: one bit for each segment."""


def judge(
    samples: Sequence[RPSample], candidate: Distribution, incumbent: Distribution, policy: GatePolicy | None = None, *, now: datetime,
    noisy: Sequence[Distribution] | None = None, lower_bound: float | None = None,
) -> Verdict:  # fmt: skip
    """Judge a candidate on active and disputed samples (disputed ones warn). `noisy` are its probabilities under noise."""
    chosen = policy or GatePolicy()
    live = sorted((s for s in samples if s.status in (Status.ACTIVE, Status.DISPUTED) and not expired(s.expires, now)), key=lambda s: s.id)
    missing = [s.id for s in live if s.request not in candidate or s.request not in incumbent]
    known = [s for s in live if s.request in candidate and s.request in incumbent]
    actions = [sorted({*candidate[s.request], *incumbent[s.request]}) for s in known]
    width = max((len(a) for a in actions), default=1)
    given = GateSamples(
        [s.id for s in known], [s.segment for s in known], _accepted(known, candidate, actions, width),
        np.array([s.tier is Tier.A and s.status is Status.ACTIVE for s in known], dtype=bool),
    )  # fmt: skip
    before, after = _table(known, incumbent, actions, width), _table(known, candidate, actions, width)
    copies = None if not noisy else np.stack([_table(known, each, actions, width) for each in noisy])
    result = check(given, before, after, copies, chosen)
    if missing and result.decision == "pass":
        result = result.model_copy(
            update={"decision": "warn", "reasons": [*result.reasons, f"{len(missing)} samples have no evidence: the policies do not say"]}
        )
    body: dict[str, Any] = {
        "candidate": content_id([(s.request, candidate[s.request]) for s in known]),
        "incumbent": content_id([(s.request, incumbent[s.request]) for s in known]),
        "suite": content_id([(s.id, s.status.value, s.tier.value) for s in live]), "policy": chosen, "result": result, "missing": missing,
        "lower_bound": lower_bound, "bits_released": len(result.segments),
    }  # fmt: skip
    key = content_id(body["candidate"], body["incumbent"], body["suite"], chosen.model_dump(), result.model_dump(), lower_bound)
    return Verdict(id=key, **body)


def expired(expires: datetime | None, now: datetime) -> bool:
    """True once a sample's time is over; times without a zone are UTC, as in a log."""
    return expires is not None and seconds(expires) < seconds(now)


def _table(samples: Sequence[RPSample], policy: Distribution, actions: Sequence[Sequence[str]], width: int) -> Array:
    out = np.zeros((len(samples), width))
    for i, sample in enumerate(samples):
        for j, action in enumerate(actions[i]):
            out[i, j] = policy[sample.request].get(action, 0.0)
    return out


def _accepted(samples: Sequence[RPSample], candidate: Distribution, actions: Sequence[Sequence[str]], width: int) -> Array:
    """(n, width) accepted actions that are on offer to the candidate (its distribution names them)."""
    out = np.zeros((len(samples), width), bool)
    for i, sample in enumerate(samples):
        offered = (
            {*candidate[sample.request], *sample.candidates} if len(candidate[sample.request]) == 1 else set(candidate[sample.request])
        )
        for j, action in enumerate(actions[i]):
            out[i, j] = action in sample.accept and action in offered
    return out


def after_block(samples: Sequence[RPSample], verdict: Verdict) -> list[RPSample]:
    """Samples whose record changes because they stood against an otherwise significantly better candidate.

    Once that has happened `dispute_after` times, a sample is disputed: it warns, blocks no longer, and waits for a person.
    """
    if verdict.result.decision != "block" or verdict.lower_bound is None or verdict.lower_bound <= 0:
        return []
    failing = set(verdict.result.failing)
    stood = {s.id for s in verdict.result.samples if s.status == "flip" and s.segment in failing}
    changed = []
    for sample in samples:
        if sample.id in stood and sample.status is Status.ACTIVE:
            count = sample.blocked + 1
            status = Status.DISPUTED if count >= verdict.policy.dispute_after else sample.status
            changed.append(sample.model_copy(update={"blocked": count, "status": status}))
    return changed
