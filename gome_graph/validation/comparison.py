r"""The line search: is the new solution really better than the incumbent?

**Estimate.** Both are scored on the same rows, so with influence values psi (see `influence`) and the metric turned so that higher is
better, ``gain = value_new - value_old`` has the variance ``V_rows = sum (psi_new - psi_old)^2 / (n (n - 1))``: the paired test for
metrics that decompose, paired DeLong for AUC, the paired jackknife for the rest; sums over groups if the split is grouped.

**What folds and seeds add.** A seed, a tuning choice or the draw of a training part moves a whole fold at once; rows cannot see that. The
folds can: ``V_folds = k/(k-1) sum_f (u_f - mean u)^2`` with ``u_f`` the sum of ``psi_new - psi_old`` over fold f, divided by n,
estimates the same
variance with k - 1 degrees of freedom, and exceeds ``V_rows`` where such effects exist. With so few degrees of freedom it is shrunk to
the row variance, as an inverse-gamma prior of ``fold_prior`` degrees of freedom would (Smyth, SAGMB 2004), and never taken to lower it:
``V = max(V_rows, (nu V_rows + (k - 1) V_folds) / (nu + k - 1))``.

**P(better).** A flat prior would make ``P(delta > 0) >= 0.8`` the same as a z of 0.84, which accepts 20 % of A/A pairs. But a step that
changes nothing
that matters is common, and a difference too small to matter exists (the region of practical equivalence, ROPE: Benavoli, Corani,
Demsar, Zaffalon, JMLR 2017, section 4). So the prior is a spike and a slab (Mitchell and Beauchamp, JASA 1988):

    delta ~ pi0 N(0, (rho/2)^2) + (1 - pi0) N(0, tau^2),      tau^2 = kappa^2 (V + rho^2),      gain | delta ~ N(delta, V)

with rho = ``rope_share`` times the incumbent score's standard error: a fiftieth of the noise with which anybody knows the score. Then,
in closed form,

    w          = P(slab | gain) = (1 - pi0) N(gain; 0, V + tau^2) / [that + pi0 N(gain; 0, V + rho^2/4)]
    P(better)  = P(delta > rho | gain)  = w Phi((s gain - rho) / sqrt(s V)),       s = tau^2 / (tau^2 + V)
    P(not worse) = P(delta > -rho | gain) = (1 - w) + w Phi((s gain + rho) / sqrt(s V))

With pi0 = 0.2, kappa = 2 and rho << sqrt(V), ``P(better) >= 0.8`` asks for a gain of 1.7 paired standard errors: size 4.5 % on A/A
pairs, which is
as little power as the 5 % of behaviour 2 (gome.md) allows to give away. Where the paired error is much below rho (two runs that agree on
almost every row),
the spike takes over and the gain must exceed the ROPE.

**Near ties** go to the cheaper, simpler solution: clearly cheaper (``cheaper_ratio``) and ``P(not worse) >= tie_probability``. At worst
that gives away one
rho, and the chain ends because each link must save 30 % of the time.
"""

import math
from dataclasses import dataclass

from gome_graph.records import Seconds
from gome_graph.task.metrics.base import Array, Metric
from gome_graph.validation.influence import Influence, fold_variance, influence, variance
from gome_graph.validation.policy import ValidationPolicy

CLIP = 20.0
"""Noise units beyond which one more says nothing (records.Verdict.gain_in_noise)."""


@dataclass(frozen=True)
class Comparison:
    """A paired comparison; positive gains are better, whatever the metric's direction."""

    gain: float
    gain_error: float
    """Standard error of `gain`, folds included."""
    gain_in_noise: float
    """``gain / gain_error``, clipped to [-20, 20]; 0 if both are the same."""
    p_better: float
    """Posterior probability that the real gain exceeds the ROPE."""
    p_not_worse: float
    """Posterior probability that it is not below minus the ROPE."""
    rope: float
    """Half-width of the region of practical equivalence, in the metric's units."""
    threshold: float
    """What `p_better` had to reach."""
    cheaper: bool
    """The new solution is clearly cheaper or simpler."""
    accepted: bool
    near_tie: bool
    """Accepted as the cheaper of two equals, not as the better one."""


def compare(
    metric: Metric,
    truth: Array,
    new: Array,
    old: Array,
    folds: Array,
    *,
    groups: Array | None = None,
    cost_new: Seconds = 0.0,
    cost_old: Seconds = 0.0,
    policy: ValidationPolicy | None = None,
) -> Comparison:
    """Compare two sets of encoded out-of-fold predictions of the same n rows; costs are seconds at full stage (0: unknown)."""
    found_new = influence(metric, truth, new, folds, groups)
    found_old = influence(metric, truth, old, folds, groups)
    return compare_influences(metric, found_new, found_old, folds, cost_new=cost_new, cost_old=cost_old, policy=policy)


def compare_influences(
    metric: Metric,
    new: Influence,
    old: Influence,
    folds: Array,
    *,
    cost_new: Seconds = 0.0,
    cost_old: Seconds = 0.0,
    simpler: bool = False,
    policy: ValidationPolicy | None = None,
) -> Comparison:
    """`compare` for predictions whose influence values are known already; `simpler` counts as clearly cheaper."""
    policy = policy or ValidationPolicy()
    sign = 1.0 if metric.higher_is_better else -1.0
    gain = sign * (new.value - old.value)
    moved = new.rows - old.rows
    units = new.units if new.units is not None else old.units
    error = math.sqrt(paired_variance(moved, units, folds, policy.fold_prior))
    rope = policy.rope_share * math.sqrt(variance(old.rows, old.units))
    if not math.isfinite(gain):
        gain, p_better, p_not_worse = (math.inf, 1.0, 1.0) if math.isnan(old.value) and not math.isnan(new.value) else (-math.inf, 0.0, 0.0)
    else:
        p_better, p_not_worse = posterior(gain, error, rope, policy.null_share, policy.slab_width)
    saves = cost_old > 0 and cost_new <= policy.cheaper_ratio * cost_old and cost_old - cost_new >= policy.cheaper_seconds
    cheaper = saves or (simpler and cost_new <= cost_old + policy.cheaper_seconds)
    better = p_better >= policy.accept_probability
    tie = not better and cheaper and p_not_worse >= policy.tie_probability
    return Comparison(
        gain=gain,
        gain_error=error,
        gain_in_noise=in_noise(gain, error),
        p_better=p_better,
        p_not_worse=p_not_worse,
        rope=rope,
        threshold=policy.accept_probability,
        cheaper=cheaper,
        accepted=better or tie,
        near_tie=tie,
    )


def paired_variance(moved: Array, units: Array | None, folds: Array, fold_prior: float) -> float:
    """Variance of the gain from the differences of influence values ``(n,)``: rows (or units), raised by what folds show."""
    rows = variance(moved, units)
    between, freedom = fold_variance(moved, folds)
    if freedom == 0:
        return rows
    return max(rows, (fold_prior * rows + freedom * between) / (fold_prior + freedom))


def in_noise(gain: float, error: float) -> float:
    """``gain / error`` clipped to [-20, 20]; 0 for no gain without error."""
    if gain == 0 or math.isnan(gain):
        return 0.0
    if error <= 0:
        return math.copysign(CLIP, gain)
    return max(-CLIP, min(CLIP, gain / error))


def posterior(gain: float, error: float, rope: float, null_share: float, slab_width: float) -> tuple[float, float]:
    """(P(better), P(not worse)) under the spike-and-slab prior of the module docstring."""
    noise = error * error
    if noise <= 0 and rope <= 0:
        return float(gain > 0), float(gain >= 0)
    slab = slab_width**2 * (noise + rope * rope)
    spike_log = _normal_log(gain, noise + rope * rope / 4)
    slab_log = _normal_log(gain, noise + slab)
    odds = math.exp(max(-700.0, min(700.0, spike_log - slab_log))) * null_share / (1 - null_share)
    weight = 1 / (1 + odds)
    shrink = slab / (slab + noise)
    spread = math.sqrt(shrink * noise)
    better = weight * _normal_cdf(shrink * gain - rope, spread)
    not_worse = (1 - weight) + weight * _normal_cdf(shrink * gain + rope, spread)
    return better, not_worse


def _normal_log(value: float, variance_: float) -> float:
    return -0.5 * (value * value / variance_ + math.log(variance_))


def _normal_cdf(value: float, spread: float) -> float:
    if spread <= 0:
        return float(value > 0)
    return 0.5 * math.erfc(-value / spread / math.sqrt(2))
