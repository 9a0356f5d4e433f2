"""One arm in one world: windows of traffic, a candidate after each, the guard in between, and the truth as judge."""

from dataclasses import dataclass, field

import numpy as np

from gome_guard.curate.ladder import STAGES, LadderSettings, Nearby, Reports, curate
from gome_guard.curate.mining import mine
from gome_guard.gate.check import POOL, GatePolicy, GateResult, GateSamples, check
from gome_guard.gate.override import Overrides, fall_back
from gome_guard.log import Array
from gome_guard.policy.learner import Batch, LearnerSettings, RPBatch, fit, fit_reward, fit_supervised, predicted_reward
from gome_guard.policy.network import Network
from gome_guard.quarantine import Quarantine, QuarantineSettings
from gome_guard.records import Part
from gome_guard.sim.arms import Arm
from gome_guard.sim.bank import SimBank
from gome_guard.sim.world import World

REPLAY = 3
"""Windows of logs that a refresh learns from: this one and those before."""
HELD_KL = 20.0
"""Multiplier of the replication term on rows in quarantine."""
EARLIER = 3
"""Served versions in which curation looks for a policy that did what was expected."""


@dataclass(frozen=True)
class Window:
    """The traffic of one window and what was logged."""

    rows: Array
    chosen: Array
    propensity: Array
    reward: Array
    preferred: Array
    """(n,) code of the action that the served policy preferred"""


@dataclass
class Tally:
    """What is measured of one arm in one world."""

    value: list[float] = field(default_factory=list)
    """Share of test requests routed rightly, by refresh."""
    first: list[int] = field(default_factory=lambda: [0, 0])
    """Flips, and requests on which the incumbent was right, where a segment broke for the first time."""
    again: list[int] = field(default_factory=lambda: [0, 0])
    """The same where it broke again."""
    churn: list[int] = field(default_factory=lambda: [0, 0])
    """The same where nothing was wrong."""
    stages: dict[str, list[int]] = field(default_factory=lambda: {s: [0, 0] for s in STAGES})
    """Right reports and kept reports by stage."""
    mined: list[int] = field(default_factory=lambda: [0, 0])
    moved: dict[int, list[float]] = field(default_factory=dict)
    """Refreshes since a permanent change -> shares of its test requests routed to the new action."""
    blocked: int = 0
    failing: int = 0
    """Segments that fell back."""
    held: int = 0
    sealed: list[int] = field(default_factory=lambda: [0, 0])
    """Sealed samples that the served policy breaks, and sealed samples."""


@dataclass(frozen=True)
class State:
    """Where the product stands at the end of the warm-up; every arm begins from here."""

    network: Network
    reward: Network
    served: Array
    """(N, k) decision probabilities without exploration"""
    windows: tuple[Window, ...]


def greedy(p: Array) -> Array:
    """(n,) position of the preferred candidate."""
    return np.asarray(p.argmax(1))


def _sure(p: Array) -> Array:
    """(n,) position of the preferred candidate, -1 where it has less than half of the probability: an undecided policy *did* nothing."""
    return np.where(p.max(1) >= 0.5, p.argmax(1), -1)


def codes(world: World, position: Array, rows: Array | None = None) -> Array:
    """Action codes of positions among the candidates."""
    offered = world.candidates if rows is None else world.candidates[rows]
    return np.asarray(np.take_along_axis(offered, position[:, None].astype(np.int64), 1)[:, 0])


def warm_up(world: World) -> State:
    """Launch a policy from labelled texts, serve it for a while, learn from it; nothing is broken yet."""
    rows = world.launch
    offered = world.candidates[rows]
    hit = offered == world.label[rows][:, None]
    keep = hit.any(1)
    start = Network(world.x.shape[1], len(world.labels))
    network = fit_supervised(start, world.x[rows][keep], offered[keep], hit[keep].argmax(1), seed=world.seed)
    reward, windows = Network(world.x.shape[1], len(world.labels)), []
    served = network.probabilities(world.x, world.candidates)
    for t in range(world.settings.warm_up):
        windows.append(traffic(world, served, t))
        batch = learn_from(world, windows[-REPLAY:], served)
        reward = fit_reward(reward, batch, seed=t, epochs=12 if t == 0 else 5)
        q = predicted_reward(reward, batch.x, batch.candidates)
        network = fit(network, batch, q, LearnerSettings(), seed=t).network
        served = network.probabilities(world.x, world.candidates)
    return State(network, reward, served, tuple(windows))


def traffic(world: World, served: Array, t: int) -> Window:
    """One window under the served policy: its preferred action, or exploration. The same dice for every arm."""
    rows = world.requests(t)
    rng = np.random.default_rng([world.seed, 2, t])
    k = world.candidates.shape[1]
    prefers = greedy(served[rows])
    explore = rng.random(len(rows)) < world.settings.explore
    chosen = np.where(explore, rng.integers(0, k, len(rows)), prefers)
    propensity = world.settings.explore / k + (1 - world.settings.explore) * (chosen == prefers)
    satisfied = world.satisfaction(rows, codes(world, chosen, rows), t)
    return Window(rows, chosen, propensity, (rng.random(len(rows)) < satisfied).astype(float), codes(world, prefers, rows))


def learn_from(world: World, windows: list[Window], served: Array, believed: list[Array] | None = None, held: Array | None = None) -> Batch:
    """Rows of some windows as a batch; `believed` by window, `held` codes of cells whose rows are held to the old policy."""
    rows = np.concatenate([w.rows for w in windows])
    old_action = codes(world, greedy(served[rows]), rows)
    hold = np.where(np.isin(old_action, held), HELD_KL, 1.0) if held is not None else np.ones(len(rows))
    return Batch(
        x=world.x[rows], candidates=world.candidates[rows], chosen=np.concatenate([w.chosen for w in windows]),
        propensity=np.concatenate([w.propensity for w in windows]), reward=np.concatenate([w.reward for w in windows]), old=served[rows],
        believed=np.ones(len(rows)) if believed is None else np.concatenate(believed).astype(float), hold=hold,
        domain=world.domain[old_action],
    )  # fmt: skip


class Loop:
    """Runs one arm."""

    def __init__(self, world: World, state: State, arm: Arm) -> None:
        self.world, self.arm = world, arm
        self.network, self.reward, self.served = state.network, state.reward, state.served
        self.windows = list(state.windows)
        self.believed = [np.ones(len(w.rows), bool) for w in self.windows]
        self.past = [_sure(state.served)]
        self.bank, self.tally = SimBank(), Tally()
        self.quarantine = Quarantine(QuarantineSettings(confirm=arm.confirm))
        for window in self.windows:
            self.quarantine.look(*_cells(window))
        self.learner = LearnerSettings(sigma=arm.noise, rp=arm.rp)
        self.policy = GatePolicy()
        self.overrides = Overrides(np.zeros((0, world.x.shape[1]), np.float32), np.zeros(0, int), np.zeros(0, int))

    def run(self) -> Tally:
        """All refreshes."""
        s = self.world.settings
        for t in range(s.warm_up, s.warm_up + s.refreshes):
            self.refresh(t)
        if self.arm.split and self.arm.samples != "none":
            sealed = self.bank.of(Part.SEALED)
            if len(sealed):
                hit = codes(self.world, greedy(self.served[self.bank.row[sealed]]), self.bank.row[sealed])
                self.tally.sealed = [int((hit != self.bank.accept[sealed]).sum()), len(sealed)]
        return self.tally

    def refresh(self, t: int) -> None:
        """Serve a window, learn from it, judge, deploy."""
        window = traffic(self.world, self.served, t)
        self.windows.append(window)
        self.believed.append(np.ones(len(window.rows), bool))
        held = self._look(t) if self.arm.quarantine else np.zeros(0, int)
        if self.arm.samples != "none":
            self._curate(window, t)
        candidate, batch, q = self._learn(t, held)
        new = candidate.probabilities(self.world.x, self.world.candidates)
        deployed = self._deploy(candidate, new, held, batch, q, t)
        self._measure(deployed, t)
        if deployed is not self.served:
            self.network, self.served = candidate, deployed
        self.past = [*self.past, _sure(self.served)][-EARLIER - 1 :]

    def _look(self, t: int) -> Array:
        """Quarantine: which cells are held, and which rows of which window are believed."""
        window = self.windows[-1]
        decision = self.quarantine.look(*_cells(window))
        self.tally.held += len(decision.held)
        for code in decision.confirmed:  # believed after all
            self.believed[-2] |= self.windows[-2].preferred == code
        self.bank.retire(decision.confirmed)
        self.believed[-1] = ~np.isin(window.preferred, list(decision.held))
        return np.array(sorted(decision.held), dtype=int)

    def _curate(self, window: Window, t: int) -> None:
        reports, rows, right = self._reports(window, t)
        logs, sure = self.windows[-REPLAY:], np.concatenate(self.believed[-REPLAY:])
        nearby = Nearby(
            self.world.x[np.concatenate([w.rows for w in logs])[sure]],
            np.concatenate([codes(self.world, w.chosen, w.rows) for w in logs])[sure], np.concatenate([w.reward for w in logs])[sure],
        )  # fmt: skip
        found = curate(reports, nearby, LadderSettings(), truth=right)
        for stage in STAGES:
            kept = found.passed[stage]
            self.tally.stages[stage][0] += int((kept & right).sum())
            self.tally.stages[stage][1] += int(kept.sum())
        wanted = {"raw": "eligible", "B": "evidence", "A": "consensus"}[self.arm.samples]
        keep = np.flatnonzero(found.passed[wanted])
        taken = codes(self.world, reports.taken, rows)
        accept, a = reports.claim, found.passed["consensus"]
        self.bank.add(rows[keep], accept[keep], taken[keep], a[keep], np.zeros(len(keep), bool), right[keep])
        if self.arm.mining and len(keep):
            self._mine(rows[keep], accept[keep], taken[keep], window, t)
        self.bank.divide(self.world.x, split=self.arm.split)

    def _mine(self, rows: Array, accept: Array, reject: Array, window: Window, t: int) -> None:
        pool = np.unique(np.concatenate([w.rows for w in self.windows[-REPLAY:]]))
        earlier = self._earlier(pool)
        before = np.where(earlier >= 0, codes(self.world, np.maximum(earlier, 0), pool), -1)
        owner, where = mine(self.world.x[rows], accept, self.world.x[pool], self.world.candidates[pool], before)
        if not len(owner):
            return
        right = self.world.right(pool[where], t) == accept[owner]
        self.tally.mined[0] += int(right.sum())
        self.tally.mined[1] += len(right)
        self.bank.add(pool[where], accept[owner], reject[owner], np.zeros(len(owner), bool), np.ones(len(owner), bool), right)

    def _earlier(self, rows: Array, wanted: Array | None = None) -> Array:
        """(n,) position that an earlier version surely preferred, -1 if none: the one that agrees with `wanted` if any does."""
        out = self.past[max(0, len(self.past) - 2)][rows]
        if wanted is None:
            return out
        for version in self.past[:-1]:
            agrees = (version[rows] >= 0) & (codes(self.world, np.maximum(version[rows], 0), rows) == wanted)
            out = np.where(agrees, version[rows], out)
        return out

    def _reports(self, window: Window, t: int) -> tuple[Reports, Array, Array]:
        """Who complains, about what, and whether they are right (only for measuring)."""
        world, s = self.world, self.world.settings
        rng = np.random.default_rng([world.seed, 3, t])
        n = len(window.rows)
        taken, right = codes(world, window.chosen, window.rows), world.right(window.rows, t)
        wrong = taken != right
        files = rng.random(n) < np.where(wrong, s.report_wrong, s.report_right)
        same = world.domain[None, :] == world.domain[right][:, None]
        noise = np.where(same, rng.random(same.shape), -1)
        noise[np.arange(n), taken] = -2
        other = noise.argmax(1)
        claim = np.where(wrong & (rng.random(n) < s.knows), right, other)
        keep = np.flatnonzero(files & (claim != taken))
        rows = window.rows[keep]
        offered = world.candidates[rows]
        reports = Reports(
            x=world.x[rows], candidates=offered, expected=offered == claim[keep][:, None], taken=window.chosen[keep],
            before=self._earlier(rows, claim[keep]), after=greedy(self.served[rows]), claim=claim[keep], voice=keep,
        )  # fmt: skip
        good = wrong[keep] & (claim[keep] == right[keep]) & reports.expected.any(1)
        return reports, rows, good

    def _learn(self, t: int, held: Array) -> tuple[Network, Batch, Array]:
        recent = self.windows[-REPLAY:]
        batch = learn_from(self.world, recent, self.served, self.believed[-REPLAY:], held)
        self.reward = fit_reward(self.reward, batch, seed=t)
        q = predicted_reward(self.reward, batch.x, batch.candidates)
        rp = None
        if self.arm.train:
            use = self.bank.of(Part.TRAIN)
            if len(use):
                offered = self.world.candidates[self.bank.row[use]]
                rp = RPBatch(
                    self.world.x[self.bank.row[use]], offered, offered == self.bank.accept[use][:, None],
                    offered == self.bank.reject[use][:, None], np.where(self.bank.mined[use], 0.5, 1.0),
                )  # fmt: skip
        return fit(self.network, batch, q, self.learner, rp=rp, seed=t).network, batch, q

    def _deploy(self, candidate: Network, new: Array, held: Array, batch: Batch, q: Array, t: int) -> Array:
        """What is served from now on: the candidate, parts of it, or the incumbent."""
        arm, world = self.arm, self.world
        if arm.ope and not self._better(new, batch, q):
            self.tally.blocked += 1
            return self.served
        failing = set(held.tolist()) if arm.hold else set()
        if arm.gate and len(self.bank.row):
            result = self._gate(candidate, new, t)
            blocked = self._undisputed(result, new)
            if blocked and arm.whole:
                self.tally.blocked += 1
                return self.served
            failing |= blocked
            self.tally.failing += len(blocked)
        old_action = codes(world, greedy(self.served))
        out = fall_back(new, self.served, old_action, np.array(sorted(failing), dtype=int))
        if arm.override and len(self.bank.row):
            out = self._override(out)
        return out

    def _better(self, new: Array, batch: Batch, q: Array) -> bool:
        """Aggregate off-policy check: paired DR, one-sided 95 % lower bound above zero."""
        w = self.windows[-1]
        model = q[-len(w.rows) :]
        moved = new[w.rows] - self.served[w.rows]
        at = np.arange(len(w.rows)), w.chosen
        term = (moved * model).sum(1) + moved[at] / w.propensity * (w.reward - model[at])
        return float(term.mean() - 1.645 * term.std() / np.sqrt(len(term))) > 0

    def _gate(self, candidate: Network, new: Array, t: int) -> GateResult:
        use = self.bank.of(Part.GATE)
        rows = self.bank.row[use]
        offered = self.world.candidates[rows]
        samples = GateSamples(
            [str(i) for i in use],
            [str(a) for a in self.bank.accept[use]],
            offered == self.bank.accept[use][:, None],
            np.ones(len(use), bool),
        )
        noisy = candidate.probabilities(self.world.x[rows], offered, copies=self.policy.copies, sigma=self.arm.noise, seed=t)
        return check(samples, self.served[rows], new[rows], noisy, self.policy)

    def _undisputed(self, result: GateResult, new: Array) -> set[int]:
        """Accepted actions whose segments fail; those that stood too often against what the log calls better are disputed and pass."""
        failing = {int(name) for name in result.failing if name != POOL}
        if not self.arm.dispute:
            return failing
        w = self.windows[-1]
        moved = new[w.rows] - self.served[w.rows]
        at = np.arange(len(w.rows)), w.chosen
        gain = moved[at] / w.propensity * w.reward
        for action in list(failing):
            part = gain[w.preferred == action]
            if len(part) > 2 and part.mean() > 1.645 * part.std() / np.sqrt(len(part)):
                self.bank.blocked[action] = self.bank.blocked.get(action, 0) + 1
                if self.bank.blocked[action] > self.policy.dispute_after:
                    failing.discard(action)
                    self.bank.retire(frozenset({action}))
        return failing

    def _override(self, out: Array) -> Array:
        use = self.bank.of(Part.TRAIN)
        use = use[~self.bank.mined[use]]
        table = Overrides(self.world.x[self.bank.row[use]], self.bank.accept[use], self.bank.reject[use])
        wanted = table.lookup(self.world.x, self.world.candidates, greedy(out))
        hit = np.flatnonzero(wanted >= 0)
        changed = out.copy()
        changed[hit] = 0.0
        changed[hit, wanted[hit]] = 1.0
        return changed

    def _measure(self, new: Array, t: int) -> None:
        world, test = self.world, self.world.test
        right = world.right(test, t)
        now, before = codes(world, greedy(new[test]), test) == right, codes(world, greedy(self.served[test]), test) == right
        self.tally.value.append(float(now.mean()))
        y = world.label[test]
        quiet = np.ones(len(test), bool)
        for label in world.plan.broken(t):
            part = y == label
            quiet &= ~part
            counts = self.tally.first if world.plan.transient[label][0] == t else self.tally.again
            counts[0] += int((part & before & ~now).sum())
            counts[1] += int((part & before).sum())
        for label, since in world.plan.permanent.items():
            if t >= since:
                part = y == label
                quiet &= ~part
                share = float((codes(world, greedy(new[test][part]), test[part]) == world.plan.rival[label]).mean()) if part.any() else 0.0
                self.tally.moved.setdefault(t - since, []).append(share)
        self.tally.churn[0] += int((quiet & before & ~now).sum())
        self.tally.churn[1] += int((quiet & before).sum())


def _cells(window: Window) -> tuple[Array, Array]:
    """Cell of each row: the preferred action where it was taken, none where the policy explored."""
    taken = window.propensity > 0.5
    return np.where(taken, window.preferred, -1), window.reward
