r"""Final selection: which of the top solutions to hand out, by a lower confidence bound that knows what was selected on.

The loop accepts on validation scores, so the best of them is best partly by luck (the winner's curse; Cawley and Talbot, JMLR 2010):
each accepted
step adds a little luck. Audit scores were never selected on, but the audit part is small. Per candidate i, all turned so that higher is
better:

    v_i = theta_i + bias_i + e_i,    a_i = theta_i + u_i,    theta_i ~ N(mu, tau^2)

Candidates are measured on the same rows, so what matters is the noise *between* them, not the score's own standard error: ``Var(e)`` is
read
off the candidate-by-fold interaction of ``by_fold`` (as in a two-way analysis of variance), shrunk to `PAIRED_SHARE` of the score's
variance because it
has few degrees of freedom; ``Var(u)`` is ``Var(e)`` scaled by the ratio of the scores' variances (audit rows are fewer). Seeds
re-measure theta, and their spread is part of what is handed out, so it counts against a candidate. ``bias_i = STEP_LUCK sd(e)
sqrt(accepted_i)``
is what that many accepted steps add by luck. tau^2 is estimated from the spread of v and from its covariance with a (whose errors are
independent). The choice has the largest ``E[theta_i] - CAUTION sd[theta_i]``; near ties go to a clearly cheaper one, but not to
its forebears.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from gome_graph.records import Score, Seconds, StepId
from gome_graph.task.metrics.base import Floats

PAIRED_SHARE = 0.1
"""Noise between two candidates as a share of the score's own variance, before folds are looked at: typical correlation of row losses is
0.9."""
PRIOR_FREEDOM = 4.0
"""Degrees of freedom of that share."""
STEP_LUCK = 0.1
"""Luck of one accepted step in units of sd(e); measured by ``benchmarks/selection_regret.py``."""
DISTRUST = 0.3
"""Prior variance of what candidates overfit the folds by, in units of Var(e)."""
DISAGREEMENT = 2.5
"""Standard deviations of a chance ratio beyond which validation and audit disagree."""
CAUTION = 0.5
"""Standard deviations below the mean at which candidates are compared."""
TIE = 0.1
"""Bounds closer than this share of sd(e) are equal; a clearly cheaper candidate wins."""
CHEAPER = 0.7
"""Share of the best one's seconds from which a candidate is clearly cheaper."""


@dataclass(frozen=True)
class Measurement:
    """One run of a candidate under one seed."""

    seed: int
    validation: Score
    audit: Score | None = None


@dataclass(frozen=True)
class FinalCandidate:
    """A solution in the last round, measured under one or more seeds."""

    step: StepId
    trace: int
    measurements: list[Measurement]
    seconds: Seconds = 0.0
    """Mean wall time of a run."""
    accepted: int = 0
    """Accepted steps on the way to it: how often it was selected on its validation score."""
    beaten: frozenset[StepId] = frozenset()
    """Steps on the way to it: each was replaced for a gain beyond the noise of the paired comparison."""


@dataclass(frozen=True)
class Choice:
    """The winner, and how the others stood. `mean`, `bound` and the ranking are turned so that higher is better."""

    step: StepId
    mean: float
    """Posterior mean of its real score, in the metric's own direction."""
    error: float
    """Posterior standard deviation between candidates."""
    bound: float
    """Lower confidence bound (higher is better)."""
    reason: str
    ranking: list[tuple[StepId, float]] = field(default_factory=list)
    """(step, bound) of all candidates, best first."""


def choose_final(candidates: list[FinalCandidate]) -> Choice:
    """Choose by lower confidence bound over validation and audit. Raises `ValueError` without candidates."""
    usable = [c for c in candidates if c.measurements and all(math.isfinite(m.validation.value) for m in c.measurements)]
    if not usable:
        raise ValueError("There is no candidate with a finite validation score to choose from.")
    first = usable[0].measurements[0].validation
    sign = 1.0 if first.higher_is_better else -1.0
    if len(usable) == 1:
        value = float(np.mean([m.validation.value for m in usable[0].measurements]))
        only = usable[0].step
        return Choice(only, value, first.standard_error, sign * value, f"{only} is the only candidate.", [(only, sign * value)])
    validation = np.array([np.mean([sign * m.validation.value for m in c.measurements]) for c in usable])
    noise = between_noise(usable)
    seeds = np.array([len(c.measurements) for c in usable], dtype=np.float64)
    seed_noise = _seed_variance(usable)
    validation = validation - STEP_LUCK * np.sqrt(noise * np.array([c.accepted for c in usable]))
    audits = [[sign * m.audit.value for m in c.measurements if m.audit is not None and math.isfinite(m.audit.value)] for c in usable]
    mean, error = _posterior(validation, noise, [float(np.mean(a)) if a else math.nan for a in audits], noise * _audit_ratio(usable))
    error = np.sqrt(error**2 + seed_noise / seeds)
    bounds = mean - CAUTION * error
    best = int(bounds.argmax())
    close = [i for i in range(len(usable)) if bounds[best] - bounds[i] <= TIE * math.sqrt(noise) and _saves(usable[i], usable[best])]
    chosen = min(close, key=lambda i: (usable[i].seconds, -bounds[i]), default=best)
    order = np.argsort(-bounds, kind="stable")
    return Choice(
        step=usable[chosen].step,
        mean=float(sign * mean[chosen]),
        error=float(error[chosen]),
        bound=float(bounds[chosen]),
        reason=_reason(usable, chosen, best, audits, sign),
        ranking=[(usable[i].step, float(bounds[i])) for i in order],
    )


def top_k(scored: list[tuple[StepId, Score]], k: int, *, families: dict[StepId, str] | None = None) -> list[StepId]:
    """The k best by validation lower bound, for the re-runs that `choose_final` then judges.

    With `families`, the last place goes to the best solution of a family not yet among the k, if it is within two standard errors of the
    best: a different model is worth more to the last round than a third twin.
    """
    finite = [item for item in scored if math.isfinite(item[1].value)]
    ranked = sorted(finite, key=lambda item: -item[1].value if item[1].higher_is_better else item[1].value)
    chosen = [step for step, _ in ranked[:k]]
    if families and k >= 2 and len(ranked) > k:
        present = {families.get(step, "") for step in chosen}
        best = ranked[0][1]
        for step, score in ranked[k:]:
            near = abs(score.value - best.value) <= 2 * best.standard_error
            if near and families.get(step, "") not in present and len(present) < k:
                chosen[-1] = step
                break
    return chosen


def between_noise(candidates: list[FinalCandidate]) -> float:
    """Variance of a candidate's mean validation score relative to the others', from the candidate-by-fold interaction."""
    scores = [c.measurements[0].validation for c in candidates]
    prior = PAIRED_SHARE * float(np.mean([s.standard_error**2 for s in scores]))
    count = len(scores[0].by_fold)
    if count < 2 or any(len(m.validation.by_fold) != count for c in candidates for m in c.measurements):
        return max(prior, 1e-300)
    table = np.array([np.mean([m.validation.by_fold for m in c.measurements], axis=0) for c in candidates])
    left = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    freedom = (len(candidates) - 1) * (count - 1)
    seen = float((left**2).sum()) / freedom / count
    return max((PRIOR_FREEDOM * prior + freedom * seen) / (PRIOR_FREEDOM + freedom), 1e-300)


def _saves(candidate: FinalCandidate, best: FinalCandidate) -> bool:
    """Clearly cheaper than the best, and not what the best has already been shown to improve on."""
    return 0 < candidate.seconds <= CHEAPER * best.seconds and candidate.step not in best.beaten


def _seed_variance(candidates: list[FinalCandidate]) -> float:
    """Pooled variance over seeds within candidates; 0 if each ran once."""
    groups = [np.array([m.validation.value for m in c.measurements]) for c in candidates]
    freedom = sum(len(g) - 1 for g in groups)
    return float(sum(((g - g.mean()) ** 2).sum() for g in groups)) / freedom if freedom else 0.0


def _audit_ratio(candidates: list[FinalCandidate]) -> float:
    """Variance of an audit score over that of a validation score."""
    pairs = [(m.audit, m.validation) for c in candidates for m in c.measurements if m.audit is not None]
    usable = [max(a.standard_error**2 / v.standard_error**2 if v.standard_error > 0 else 0.0, v.rows / max(1, a.rows)) for a, v in pairs]
    return float(np.median(usable)) if usable else math.inf


def _posterior(validation: Floats, noise: float, audits: list[float], audit_noise: float) -> tuple[Floats, Floats]:
    """Posterior mean and standard deviation of theta under the model of the module docstring."""
    audit = np.array(audits)
    has = np.isfinite(audit) & bool(math.isfinite(audit_noise))
    # What v and a disagree by, beyond their noise, is overfit of some candidates to the folds: validation is trusted that much less.
    distrust = DISTRUST * noise
    if has.sum() >= 2:
        freedom = int(has.sum()) - 1
        seen = float((validation - audit)[has].var(ddof=1)) / (noise + audit_noise)
        # A ratio of variances of so few candidates is often 2 by chance; only clear disagreement counts.
        if seen > 1 + DISAGREEMENT * math.sqrt(2 / freedom):
            distrust += (seen - 1) * (noise + audit_noise)
    trusted = noise + distrust
    between = max(float(validation.var(ddof=1)) - trusted, 0.25 * noise)
    # Both parts differ by what their rows are like; only differences between candidates carry over from one to the other.
    level = float(validation.mean())
    offset = float((audit[has] - validation[has]).mean()) if has.any() else 0.0
    weight_audit = np.where(has, 1 / audit_noise if math.isfinite(audit_noise) and audit_noise > 0 else 0.0, 0.0)
    precision = 1 / trusted + weight_audit + 1 / between
    mean = (validation / trusted + np.where(has, (audit - offset) * weight_audit, 0.0) + level / between) / precision
    return mean, np.sqrt(1 / precision)


def _reason(candidates: list[FinalCandidate], chosen: int, best: int, audits: list[list[float]], sign: float) -> str:
    winner = candidates[chosen]
    value = float(np.mean([m.validation.value for m in winner.measurements]))
    text = (
        f"{winner.step} has the best lower bound of {len(candidates)} candidates: validation {value:.5g} over "
        f"{len(winner.measurements)} seed(s)"
    )
    if audits[chosen]:
        text += f", audit {sign * float(np.mean(audits[chosen])):.5g}"
    if chosen != best:
        text += f"; it ties with {candidates[best].step} and is cheaper"
    return text + "."
