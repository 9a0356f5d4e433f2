"""A world made of labelled texts: requests, a shortlister, true and observed rewards, and regressions that are planted in the signal.

- **Truth.** The right action of a request is its label; after a permanent change another one. Value is the share of test requests that
  the policy would route to the right action, requests whose right action the shortlister missed included.
- **Signal.** What is logged is a satisfaction bit: `satisfied` if right, `lucky` if not.
- **Transient regression.** In one window the signal of a segment (a label) is broken: the right action seems bad, a confusable one
  good. Nothing is wrong with the right action. Each such segment breaks again in a later window.
- **Permanent change.** From one window on, another action is right for a segment, and the signal says so truthfully.
- **Reports.** Some people who were routed wrongly report it, not all of them with the right expectation; some people report what was right.
"""

from dataclasses import dataclass

import numpy as np

from gome_graph.records import Record
from gome_guard.log import Array
from gome_guard.policy.features import TextFeatures, unit
from gome_guard.sim.datasets import TextSet


class WorldSettings(Record):
    """Rates of the world; chosen before any arm was run, so that about a third of the raw reports are right (guard.md measured .346)."""

    refreshes: int = 8
    warm_up: int = 2
    """Windows before anything breaks: every product has a past."""
    window: int = 3000
    """Requests of a window, at most."""
    candidates: int = 8
    """Size of the shortlist."""
    satisfied: float = 0.9
    lucky: float = 0.1
    broken_right: float = 0.1
    """Signal of the right action while its segment's signal is broken."""
    broken_wrong: float = 0.9
    """Signal of the action that profits from it."""
    transient: float = 0.2
    """Share of labels that have transient regressions."""
    repeats: int = 2
    """Times a transient regression comes back at most."""
    permanent: float = 0.04
    """Share of labels whose right action changes for good."""
    explore: float = 0.12
    """Share of the traffic that is routed at random among the candidates."""
    report_wrong: float = 0.2
    """Share of wrongly routed people who report."""
    report_right: float = 0.05
    """Share of rightly routed people who report all the same."""
    knows: float = 0.7
    """Share of reporters routed wrongly who name the right action; the others name one of its domain."""
    launch: int = 8
    """Labelled texts of a label that the first policy and the shortlister were made from."""
    max_texts: int = 40_000


@dataclass(frozen=True)
class Plan:
    """What breaks when. Windows count from 0, warm-up included."""

    transient: dict[int, list[int]]
    """Label -> windows in which its signal is broken, first one first."""
    permanent: dict[int, int]
    """Label -> window from which another action is right."""
    rival: Array
    """(labels,) the action that profits, or becomes right."""

    def broken(self, window: int) -> list[int]:
        """Labels whose signal is broken in a window."""
        return [y for y, windows in self.transient.items() if window in windows]


@dataclass(frozen=True)
class World:
    """N requests and everything that is true of them."""

    settings: WorldSettings
    texts: tuple[str, ...]
    x: Array
    """(N, d) unit features"""
    label: Array
    """(N,) codes; actions have the same codes"""
    labels: tuple[str, ...]
    domain: Array
    """(labels,) code of each label's domain"""
    candidates: Array
    """(N, k) what the shortlister offers"""
    launch: Array
    traffic: Array
    test: Array
    """Indices of requests"""
    plan: Plan
    seed: int

    def right(self, rows: Array, window: int) -> Array:
        """(n,) the right action in a window."""
        y = self.label[rows]
        changed = np.array([window >= self.plan.permanent.get(c, 10**9) for c in range(len(self.labels))])
        return np.where(changed[y], self.plan.rival[y], y)

    def satisfaction(self, rows: Array, action: Array, window: int) -> Array:
        """(n,) probability of the satisfaction bit for an action (n,) in a window."""
        s, y = self.settings, self.label[rows]
        right = self.right(rows, window)
        p = np.where(action == right, s.satisfied, s.lucky)
        hit = np.isin(y, self.plan.broken(window))
        p = np.where(hit & (action == right), s.broken_right, p)
        return np.where(hit & (action == self.plan.rival[y]), s.broken_wrong, p)

    def requests(self, window: int) -> Array:
        """The requests of a window; the same for every arm."""
        rng = np.random.default_rng([self.seed, 1, window])
        n = min(self.settings.window, int(0.8 * len(self.traffic)))
        return np.sort(rng.choice(self.traffic, n, replace=False))


def make_features(data: TextSet) -> Array:
    """(N, d) features of a set, once for all seeds."""
    return TextFeatures.fit(data.texts)(data.texts)


def make_world(data: TextSet, features: Array, seed: int, settings: WorldSettings | None = None) -> World:
    """Deal a set into launch, traffic and test, and plant regressions, all by the seed."""
    s = settings or WorldSettings()
    rng = np.random.default_rng([seed, 0])
    labels = tuple(sorted(set(data.labels)))
    code = {name: i for i, name in enumerate(labels)}
    y = np.array([code[name] for name in data.labels])
    rows = rng.permutation(len(y))[: s.max_texts]
    launch = np.concatenate([rows[y[rows] == c][: max(1, min(s.launch, int(0.2 * (y[rows] == c).sum())))] for c in range(len(labels))])
    rest = rows[~np.isin(rows, launch)]
    test, traffic = rest[: int(0.3 * len(rest))], rest[int(0.3 * len(rest)) :]
    candidates = _shortlist(features, y, launch, len(labels), s, rng)
    domain = _domain(data, labels, features, y, launch)
    plan = _plan(y, candidates, traffic, len(labels), s, rng)
    return World(s, data.texts, features, y, labels, domain, candidates, launch, traffic, test, plan, seed)


def _shortlist(x: Array, y: Array, launch: Array, labels: int, s: WorldSettings, rng: np.random.Generator) -> Array:
    """Nearest label centres of the launch texts, in random order: an upstream system that is good, not perfect."""
    centres = unit(np.stack([x[launch[y[launch] == c]].mean(0) for c in range(labels)]))
    close = x @ centres.T
    k = min(s.candidates, labels)
    top = np.argpartition(-close, k - 1, axis=1)[:, :k]
    return np.asarray(rng.permuted(top, axis=1), dtype=np.int32)


def _domain(data: TextSet, labels: tuple[str, ...], x: Array, y: Array, launch: Array) -> Array:
    if data.domains:
        names = sorted(set(data.domains.values()))
        return np.array([names.index(data.domains[name]) for name in labels])
    from sklearn.cluster import KMeans

    centres = np.stack([x[launch[y[launch] == c]].mean(0) for c in range(len(labels))])
    return np.asarray(KMeans(max(1, min(10, len(labels) // 3)), n_init=3, random_state=0).fit_predict(centres))


def _plan(y: Array, candidates: Array, traffic: Array, labels: int, s: WorldSettings, rng: np.random.Generator) -> Plan:
    together = np.zeros((labels, labels))
    for j in range(candidates.shape[1]):
        np.add.at(together, (y[traffic], candidates[traffic, j]), 1)
    np.fill_diagonal(together, -1)
    rival = together.argmax(1)
    order = rng.permutation(labels)
    lasting = max(1, round(s.permanent * labels)) if labels >= 5 and s.permanent > 0 else 0
    passing = max(1, round(s.transient * labels)) if s.transient > 0 else 0
    first, last = s.warm_up, s.warm_up + s.refreshes - 1
    permanent = {int(c): int(rng.integers(first + 1, max(first + 2, last - 2))) for c in order[:lasting]}
    transient = {}
    for c in order[lasting : lasting + passing]:
        window = int(rng.integers(first, max(first + 1, last - 2)))
        windows = [window]
        for _ in range(s.repeats):
            window += int(rng.integers(2, 4))
            if window <= last:
                windows.append(window)
        transient[int(c)] = windows
    return Plan(transient, permanent, rival)
