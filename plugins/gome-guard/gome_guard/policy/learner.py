"""How a policy learns from logs, and what holds it back.

The loss of one refresh (guard.md, "Improve"; the terms after the first are ours to weigh):

    L = L_offpolicy(pi) + l_kl E[m(x) KL(pi_old || pi)] + l_rp (L_RP) + sum_d l_d max(0, E_d KL(pi_old || pi) - target_d)
    L_RP = E[ -log pi(A+ | h + eps) - log(1 - pi(A- | h + eps)) ],   eps ~ N(0, (sigma rms(h))^2)

m(x) are the multipliers of the quarantine (rows whose signal is not to be believed yet count nothing in L_offpolicy, and are held to
the old policy). l_d adapts: it grows where domain d moves further than its target and shrinks where it does not (dual ascent).
"""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch

from gome_graph.errors import TaskError
from gome_graph.records import Record
from gome_guard.log import Array
from gome_guard.policy.network import Network, tensor

LOSSES = ("ips", "snips", "dr", "poem")


class LearnerSettings(Record):
    """Knobs of one refresh."""

    loss: str = "dr"
    """ips | snips | dr | poem"""
    epochs: int = 6
    batch: int = 512
    rate: float = 3e-3
    clip: float = 10.0
    """Largest importance weight."""
    kl: float = 0.05
    """Replication of the old policy (arXiv 2204.07135)."""
    rp: float = 1.0
    """Weight of the R/P term when the bank has as many samples as a batch; less in proportion (`share`)."""
    share: bool = True
    """Scale `rp` with the bank's size, so that a dozen samples do not outvote a week of traffic."""
    sigma: float = 0.3
    """Noise on the hidden representation in the R/P term; 0 switches it off."""
    variance: float = 0.5
    """POEM's penalty on the standard error (Swaminathan and Joachims, ICML 2015)."""
    domain_target: float | None = None
    """Largest mean KL from the old policy within a domain (arXiv 2209.08429); None: no constraint."""
    dual_rate: float = 5.0
    entropy: float = 0.01
    """Keeps logits from running away on deterministic rewards."""


@dataclass(frozen=True)
class Batch:
    """Logged rows as the learner takes them."""

    x: Array
    """(n, d)"""
    candidates: Array
    """(n, k) codes, -1 padding"""
    chosen: Array
    """(n,) position of the action"""
    propensity: Array
    reward: Array
    old: Array
    """(n, k) probabilities of the policy to replicate"""
    believed: Array
    """(n,) 1, or 0 for rows in quarantine"""
    hold: Array
    """(n,) multiplier of the KL term"""
    domain: Array | None = None
    """(n,) codes"""


@dataclass(frozen=True)
class RPBatch:
    """R/P samples as the learner takes them."""

    x: Array
    candidates: Array
    accept: Array
    """(n, k) bool"""
    reject: Array
    """(n, k) bool"""
    weight: Array
    """(n,)"""


@dataclass
class Fit:
    """What came out, and how."""

    network: Network
    loss: list[float] = field(default_factory=list)
    """By epoch."""
    duals: list[float] = field(default_factory=list)
    """Adaptive penalty of each domain at the end."""


def fit(start: Network, batch: Batch, q: Array, settings: LearnerSettings, *, rp: RPBatch | None = None, seed: int = 0) -> Fit:
    """One refresh from the network `start` (left as it is) with the reward model `q` (n, k)."""
    if settings.loss not in LOSSES:
        raise TaskError(f"there is no loss {settings.loss!r}; there are: {', '.join(LOSSES)}.")
    network = copy.deepcopy(start)
    network.train()
    rng, noise = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
    n = len(batch.x)
    x, old, model = tensor(batch.x), tensor(batch.old), tensor(q)
    candidates, chosen = torch.as_tensor(batch.candidates, dtype=torch.long), torch.as_tensor(batch.chosen, dtype=torch.long)
    propensity, reward = tensor(batch.propensity), tensor(batch.reward)
    believed, hold = tensor(batch.believed), tensor(batch.hold)
    domain = None if batch.domain is None else torch.as_tensor(batch.domain, dtype=torch.long)
    duals = torch.zeros(0 if domain is None else int(domain.max()) + 1)
    out = Fit(network)
    for _ in range(settings.epochs):
        total = 0.0
        for part in _batches(n, settings.batch, rng):
            logits = network(x[part], candidates[part])
            log_pi = torch.log_softmax(logits, -1)
            pi = log_pi.exp()
            gain = offpolicy(pi, chosen[part], propensity[part], reward[part], model[part], believed[part], settings)
            apart = divergence(old[part], log_pi)
            loss = -gain + settings.kl * (hold[part] * apart).mean()
            loss = loss - settings.entropy * -(pi * log_pi.masked_fill(pi == 0, 0.0)).sum(-1).mean()
            if domain is not None and settings.domain_target is not None:
                loss = loss + _constrain(apart, domain[part], duals, settings)
            if rp is not None and len(rp.x) and settings.rp > 0:
                loss = loss + rp_weight(len(rp.x), settings) * _rp(network, rp, settings, rng, noise)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += float(loss.detach()) * len(part)
        out.loss.append(total / n)
    out.duals = [float(v) for v in duals]
    network.eval()
    return out


def _batches(n: int, size: int, rng: np.random.Generator) -> list[torch.Tensor]:
    """The n rows in random order, cut into batches."""
    order = rng.permutation(n)
    return [torch.as_tensor(order[start : start + size]) for start in range(0, n, size)]


def offpolicy(
    pi: torch.Tensor, chosen: torch.Tensor, propensity: torch.Tensor, reward: torch.Tensor, q: torch.Tensor, believed: torch.Tensor,
    settings: LearnerSettings,
) -> torch.Tensor:  # fmt: skip
    """Estimated value of ``pi`` (b, k) on a batch of logged rows, to be made large."""
    at = chosen[:, None]
    weight = (pi.gather(1, at)[:, 0] / propensity).clamp(max=settings.clip)
    if settings.loss == "dr":
        residual = reward - q.gather(1, at)[:, 0]
        return (believed * ((pi * q).sum(-1) + weight * residual)).mean()
    terms = believed * weight * reward
    if settings.loss == "snips":
        return terms.sum() / (believed * weight).sum().clamp(min=1e-6)
    if settings.loss == "poem":
        return terms.mean() - settings.variance * (terms.var() / len(terms)).clamp(min=1e-12).sqrt()
    return terms.mean()


def divergence(old: torch.Tensor, log_pi: torch.Tensor) -> torch.Tensor:
    """KL(old || pi) of each row (b,); padding has no part in it."""
    safe = log_pi.masked_fill(torch.isinf(log_pi), 0.0)
    return (torch.xlogy(old, old) - old * safe).sum(-1)


def rp_weight(samples: int, settings: LearnerSettings) -> float:
    """`rp`, scaled with the bank's share of a batch."""
    return settings.rp * min(1.0, samples / settings.batch) if settings.share else settings.rp


def _rp(network: Network, rp: RPBatch, settings: LearnerSettings, rng: np.random.Generator, noise: torch.Generator) -> torch.Tensor:
    part = rng.choice(len(rp.x), min(len(rp.x), settings.batch // 2), replace=False)
    h = network.hidden(tensor(rp.x[part]))
    if settings.sigma > 0:
        h = h + settings.sigma * h.detach().pow(2).mean().sqrt() * torch.randn(h.shape, generator=noise)
    pi = torch.softmax(network.scores(h, torch.as_tensor(rp.candidates[part], dtype=torch.long)), -1)
    weight = tensor(rp.weight[part])
    good = (pi * tensor(rp.accept[part])).sum(-1).clamp(1e-6, 1)
    bad = (pi * tensor(rp.reject[part])).sum(-1).clamp(0, 1 - 1e-6)
    return (weight * (-good.log() - (1 - bad).log())).sum() / weight.sum().clamp(min=1e-6)


def _constrain(apart: torch.Tensor, domain: torch.Tensor, duals: torch.Tensor, settings: LearnerSettings) -> torch.Tensor:
    """Penalty for domains that move further than allowed; their multipliers follow (dual ascent, never below 0)."""
    sums = torch.zeros_like(duals).index_add(0, domain, apart)
    count = torch.zeros_like(duals).index_add(0, domain, torch.ones_like(apart))
    excess = torch.where(count > 0, sums / count.clamp(min=1) - (settings.domain_target or 0.0), torch.zeros_like(duals))
    with torch.no_grad():
        duals.add_(settings.dual_rate * excess).clamp_(min=0)
    return (duals * excess.clamp(min=0)).sum()


def fit_reward(
    start: Network, batch: Batch, *, epochs: int = 5, rate: float = 3e-3, size: int = 512, decay: float = 1e-4, seed: int = 0
) -> Network:
    """A reward model (sigmoid of the score) from believed rows, from `start` (left as it is)."""
    network = copy.deepcopy(start)
    network.train()
    rng = np.random.default_rng(seed)
    keep = np.flatnonzero(batch.believed > 0)
    x, reward = tensor(batch.x[keep]), tensor(batch.reward[keep].clip(0, 1))
    taken = np.take_along_axis(batch.candidates, batch.chosen[:, None].astype(np.int64), 1)[keep]
    action = torch.as_tensor(taken, dtype=torch.long)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    for _ in range(epochs):
        for part in _batches(len(keep), size, rng):
            score = network(x[part], action[part])[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(score, reward[part])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    network.eval()
    return network


@torch.no_grad()
def predicted_reward(network: Network, x: Array, candidates: Array) -> Array:
    """(n, k) predicted rewards in [0, 1]; 0 at padding."""
    return np.asarray(torch.sigmoid(network(tensor(x), torch.as_tensor(candidates, dtype=torch.long))).numpy(), dtype=np.float64)


def fit_supervised(
    start: Network, x: Array, candidates: Array, right: Array, *, epochs: int = 30, rate: float = 5e-3, seed: int = 0
) -> Network:
    """A launch policy from labelled requests: `right` (n,) is the position of the right candidate."""
    network = copy.deepcopy(start)
    network.train()
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-2)
    xs, cs, ys = tensor(x), torch.as_tensor(candidates, dtype=torch.long), torch.as_tensor(right, dtype=torch.long)
    for _ in range(epochs):
        for part in _batches(len(x), 256, rng):
            loss = torch.nn.functional.cross_entropy(network(xs[part], cs[part]), ys[part])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    network.eval()
    return network
