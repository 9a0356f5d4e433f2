"""Curation of a real bank: incidents joined with their logged requests by identity, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from gome_graph.errors import TaskError
from gome_guard.curate.clusters import assign, cluster
from gome_guard.curate.ladder import Curated, LadderSettings, Nearby, Reports, curate
from gome_guard.curate.mining import mine
from gome_guard.log import Array, Distribution, Log, build
from gome_guard.policy.features import TextFeatures, unit
from gome_guard.records import Feedback, Incident, RPSample, Tier, content_id


@dataclass(frozen=True)
class Curation:
    """Samples, and how the reports fared."""

    samples: list[RPSample]
    outcome: Curated
    incidents: list[Incident]
    """Those that could be joined, in the order of `outcome`."""
    left_out: int
    """Incidents of requests that are not in the log, or that the policies say nothing about."""


def features(rows: Sequence[Feedback]) -> Array:
    """(n, d) unit features of logged requests: their numbers, or their texts.

    Raises
    ------
    TaskError
        If there are neither, or rows have different numbers of features.
    """
    sizes = {len(row.features) for row in rows}
    if sizes == {0}:
        if not any(row.text for row in rows):
            raise TaskError("The log has neither `text` nor `features`; curation needs one of them to see which requests are alike.")
        return TextFeatures.fit([row.text for row in rows])([row.text for row in rows])
    if len(sizes) > 1:
        raise TaskError(f"The log's rows have different numbers of features ({', '.join(map(str, sorted(sizes)))}); they must be the same.")
    return unit(np.array([row.features for row in rows], dtype=np.float32))


def curate_bank(
    rows: Sequence[Feedback], incidents: Sequence[Incident], before: Distribution, after: Distribution, *,
    settings: LadderSettings | None = None, checked: Mapping[str, bool] | None = None, mining: bool = True, expire_days: int | None = None,
) -> Curation:  # fmt: skip
    """Climb the ladder with every incident; `before` and `after` say what the earlier policy and the one complained about do.

    `checked` are incidents that people looked at (id -> right), for the precision of each stage.
    """
    if not rows or not incidents:
        raise TaskError(f"The bank holds {len(rows)} logged decisions and {len(incidents)} incidents; curation needs both.")
    log, x = build(rows), features(rows)
    place = {row.id: i for i, row in enumerate(rows)}
    kept = [item for item in incidents if item.request in place and item.request in before and item.request in after]
    if not kept:
        raise TaskError("No incident is of a logged request for which both policies say what they do; give --before and --after for them.")
    where = np.array([place[item.request] for item in kept])
    truth = None
    if checked is not None:
        unknown = [item.id for item in kept if item.id not in checked]
        if unknown:
            raise TaskError(
                f"--checked says nothing about {len(unknown)} incidents, for example {unknown[0]!r}; check all that can be joined."
            )
        truth = np.array([checked[item.id] for item in kept])
    reports = _reports(log, x, rows, kept, where, before, after)
    outcome = curate(reports, Nearby(x, log.taken, log.reward), settings, truth=truth)
    samples = _samples(rows, kept, where, outcome, expire_days)
    if mining:
        samples += _mined(samples, rows, log, x, place, before)
    return Curation(_divided(samples, x, place), outcome, kept, len(incidents) - len(kept))


def _reports(
    log: Log, x: Array, rows: Sequence[Feedback], kept: Sequence[Incident], where: Array, before: Distribution, after: Distribution
) -> Reports:
    codes = {action: code for code, action in enumerate(log.actions)}
    offered = log.candidates[where]
    expected = np.zeros(offered.shape, bool)
    for i, item in enumerate(kept):
        wanted = [codes[action] for action in item.expected if action in codes]
        expected[i] = np.isin(offered[i], wanted)
    voices: dict[str, int] = {}
    return Reports(
        x=x[where], candidates=offered, expected=expected, taken=log.chosen[where],
        before=np.array([_preferred(before[item.request], rows[i].candidates, sure=True) for item, i in zip(kept, where, strict=True)]),
        after=np.array([_preferred(after[item.request], rows[i].candidates) for item, i in zip(kept, where, strict=True)]),
        claim=np.array([codes.get(item.expected[0], -1) for item in kept]),
        voice=np.array([voices.setdefault(item.claimed_by or item.id, len(voices)) for item in kept]),
    )  # fmt: skip


def _preferred(policy: Mapping[str, float], candidates: Sequence[str], *, sure: bool = False) -> int:
    """Position of the preferred candidate; with `sure` -1 if it has less than half of the probability."""
    shares = [policy.get(action, 0.0) for action in candidates]
    best = max(range(len(shares)), key=lambda j: shares[j])
    return -1 if sure and shares[best] < 0.5 else best


def _samples(rows: Sequence[Feedback], kept: Sequence[Incident], where: Array, outcome: Curated, expire_days: int | None) -> list[RPSample]:
    found: dict[str, RPSample] = {}
    for i, item in enumerate(kept):
        tier, row = outcome.tier(i), rows[where[i]]
        if tier is None:
            continue
        key = content_id(row.id, sorted(item.expected))
        old = found.get(key)
        best = Tier.A if Tier.A in (tier, old.tier if old else tier) else Tier.B
        found[key] = RPSample(
            id=key, request=row.id, text=row.text, features=row.features, candidates=row.candidates, accept=sorted(item.expected),
            reject=[row.action], segment="|".join(sorted(item.expected)), tier=best, evidence=outcome.evidence[i],
            provenance=sorted({item.id, *(old.provenance if old else [])}), at=item.at, expires=_expiry(item.at, expire_days),
        )  # fmt: skip
    return list(found.values())


def _expiry(at: datetime, days: int | None) -> datetime | None:
    return None if days is None else at + timedelta(days=days)


def _mined(
    samples: Sequence[RPSample], rows: Sequence[Feedback], log: Log, x: Array, place: Mapping[str, int], before: Distribution
) -> list[RPSample]:
    if not samples:
        return []
    codes = {action: code for code, action in enumerate(log.actions)}
    used = {sample.request for sample in samples}
    pool = np.array([i for i, row in enumerate(rows) if row.id in before and row.id not in used], dtype=int)
    if not len(pool):
        return []
    did = np.array([_preferred(before[rows[i].id], rows[i].candidates, sure=True) for i in pool])
    action = np.array([codes[rows[i].candidates[j]] if j >= 0 else -1 for i, j in zip(pool, did, strict=True)])
    owner, where = mine(
        x[[place[s.request] for s in samples]], np.array([codes[s.accept[0]] for s in samples]), x[pool], log.candidates[pool], action
    )
    out = []
    for i, j in zip(owner, where, strict=True):
        source, row = samples[i], rows[pool[j]]
        out.append(
            source.model_copy(
                update={
                    "id": content_id(row.id, source.accept), "request": row.id, "text": row.text, "features": row.features,
                    "candidates": row.candidates, "tier": Tier.B, "mined": True, "provenance": [source.id], "evidence": None,
                }
            )
        )  # fmt: skip
    return out


def _divided(samples: list[RPSample], x: Array, place: Mapping[str, int]) -> list[RPSample]:
    """Samples with cluster and part."""
    if not samples:
        return []
    group = [sample.segment for sample in samples]
    names = cluster(x[[place[sample.request] for sample in samples]], group)
    parts = assign(names, group)
    return [s.model_copy(update={"cluster": c, "part": p}) for s, c, p in zip(samples, names, parts, strict=True)]
