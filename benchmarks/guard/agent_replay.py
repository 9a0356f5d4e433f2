"""The agent's gate on replayed pools of updates with planted slice defects and leaks, rules frozen before.

    python benchmarks/guard/agent_replay.py                          # design pools 0 to 4, fresh pools 5 to 8
    python benchmarks/guard/agent_replay.py --first 9 --fresh 12     # other fresh pools

A pool is a sequence of updates of a solution, as row losses on validation rows, audit rows and hold-out rows; each rule walks through
the same updates and keeps its own incumbent. Kinds: real gains (some of them trade a slice for a larger gain), changes of nothing
(another seed), a defect that ruins one slice while the rest gets better, again and again on the same few slices, and leaks that are
good on validation alone. An update is bad if it makes the hold-out worse, or ruins a slice of it. Nothing here is a model; what holds
in a real run is in tests/test_agent.py.
"""

import argparse
from dataclasses import dataclass, field

import numpy as np

from gome_guard.agent.cases import Case, aged, lost_slices, make_case, repeated, ruined
from gome_guard.records import Status

UPDATES, SLICES, ROWS = 200, 40, 50
"""Updates of a pool; slices of 50 validation rows, 8 audit rows and 50 hold-out rows."""
AUDIT = 8
KINDS = {"gain": 0.3, "null": 0.35, "defect": 0.2, "leak": 0.15}
PRONE = 5
"""Slices that defects hit: the same mistakes are made again."""
RULES = ("greedy", "lower bound", "audit only", "audit and bank", "bank only")


@dataclass
class Update:
    """What an update does to the mean loss of each slice."""

    kind: str
    shift: np.ndarray
    """(SLICES,) true change of the mean loss"""
    leak: float
    """Change that validation sees beside it"""
    ruined: int = -1
    noise: dict[str, np.ndarray] = field(default_factory=dict)


def pool(seed: int) -> list[Update]:
    """The updates of a pool with their noise on every row."""
    rng = np.random.default_rng([77, seed])
    prone = rng.choice(SLICES, PRONE, replace=False)
    out = []
    for kind in rng.choice(list(KINDS), UPDATES, p=list(KINDS.values())):
        shift, leak, ruined = rng.normal(0, 0.01, SLICES), 0.0, -1
        if kind == "gain":
            shift -= rng.uniform(0.01, 0.05)
        elif kind == "defect":
            shift -= rng.uniform(0.02, 0.05)
            ruined = int(rng.choice(prone))
            shift[ruined] = rng.uniform(0.3, 0.6)
        elif kind == "leak":
            leak = -rng.uniform(0.05, 0.15)
            shift += 0.01
        noise = {part: rng.normal(0, 0.25, SLICES * n) for part, n in (("val", ROWS), ("audit", AUDIT), ("hold", ROWS))}
        out.append(Update(str(kind), shift, leak, ruined, noise))
    return out


class Walk:
    """One rule on one pool."""

    def __init__(self, rule: str, seed: int) -> None:
        rng = np.random.default_rng([78, seed])
        self.rule, self.cases, self.level = rule, list[Case](), np.zeros(SLICES)
        self.base = {part: rng.gamma(2, 0.25, SLICES * n) for part, n in (("val", ROWS), ("audit", AUDIT), ("hold", ROWS))}
        self.last = {part: np.zeros(len(values)) for part, values in self.base.items()}
        self.leaked = 0.0
        self.cuts = [np.repeat(np.arange(SLICES), ROWS)]
        self.identity = np.arange(SLICES * ROWS, dtype=np.uint64)
        self.count = {"good": 0, "good kept": 0, "kept": 0, "bad kept": 0, "repeats": 0}
        self.hit: set[int] = set()

    def step(self, n: int, update: Update) -> None:
        """Judge one update; real gains shrink as the solution gets better."""
        room = max(0.0, 1 + self.level.mean() / 0.5)
        shift = np.where(update.shift < 0, update.shift * room, update.shift)
        # An update that does not ruin a slice mends it: it is another script.
        target = np.where((self.level > 0.2) & (np.arange(SLICES) != update.ruined), self.level.mean(), self.level) + shift
        new = {p: np.repeat(target, len(self.base[p]) // SLICES) + update.noise[p] * 0.3 for p in self.base}
        old = self.last
        gain = -(new["val"] + update.leak - old["val"] - self.leaked)
        audit = -(new["audit"] - old["audit"])
        z = gain.mean() / (gain.std() / np.sqrt(len(gain)))
        bad = target.mean() > self.level.mean() + 1e-9 or update.ruined >= 0
        good = update.kind == "gain" and not bad
        keep = z > (0 if self.rule == "greedy" else 1.645)
        if keep and self.rule.startswith("audit"):
            gap = gain.mean() - audit.mean()
            error = np.sqrt(audit.var() / len(audit) + gain.var() / len(gain))
            keep = gap <= 2 * error and audit.mean() > -1.645 * np.sqrt(audit.var() / len(audit))  # one bit
        if keep and self.rule.endswith(("bank", "bank only")):
            keep = self._bank(n, self.base["val"] + old["val"], self.base["val"] + new["val"])
        self.count["good"] += good and z > 1.645  # those that validation accepts: what a gate can spoil
        self.count["good kept"] += good and keep
        self.count["kept"] += keep
        self.count["bad kept"] += bad and keep
        if keep:
            self.count["repeats"] += update.ruined in self.hit
            if update.ruined >= 0:
                self.hit.add(update.ruined)
            self.level, self.last, self.leaked = target, new, update.leak

    def _bank(self, n: int, old: np.ndarray, new: np.ndarray) -> bool:
        fired = repeated(self.cases, old, new, self.identity)
        blocking = {case.id for case, _ in fired if case.status is Status.ACTIVE}
        self.cases = [aged(c, c.id in blocking) if c.status is Status.ACTIVE else c for c in self.cases]
        if blocking:
            return False
        lost = lost_slices(old, new, self.cuts)
        self.cases += [make_case(str(n), each, self.identity, self.cuts) for each in lost]
        return not ruined(lost)


def main() -> None:
    """Print a table for the design pool and for the fresh ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", type=int, default=4, help="fresh pools")
    parser.add_argument("--first", type=int, default=5, help="number of the first of them; 0 to 4 are the design pools")
    given = parser.parse_args()
    if given.first < 5:
        parser.error("--first: pools 0 to 4 are the design pools; name 5 or a later one.")
    fresh = list(range(given.first, given.first + given.fresh))
    for name, seeds in (("design pools", list(range(5))), (f"{given.fresh} fresh pools", fresh)):
        print(f"{name}: {UPDATES} updates each")
        ends: dict[str, np.ndarray] = {}
        for rule in RULES:
            walks = []
            for seed in seeds:
                walk = Walk(rule, seed)
                for n, update in enumerate(pool(seed)):
                    walk.step(n, update)
                walks.append(walk)
            total = {key: sum(w.count[key] for w in walks) for key in walks[0].count}
            ends[rule] = np.array([float(np.mean(w.base["hold"] + w.last["hold"])) for w in walks])
            worst = np.mean([(w.base["hold"] + w.last["hold"]).reshape(SLICES, -1).mean(1).max() for w in walks])
            print(
                f"  {rule:15s} bad promotions {total['bad kept'] / max(1, total['kept']):.3f} of {total['kept']:3d}, "
                f"repeats {total['repeats']:2d}, good passed {total['good kept'] / max(1, total['good']):.3f} of {total['good']}, "
                f"hold-out loss {ends[rule].mean():.4f}, worst slice {worst:.3f}, "
                f"ends on a leak {np.mean([w.leaked < 0 for w in walks]):.2f}"
            )
        moved = ends["audit and bank"] - ends["audit only"]
        error = moved.std(ddof=1) / np.sqrt(len(moved))
        print(f"  hold-out loss with the bank minus that of the audit alone, paired: {moved.mean():+.4f} +- {error:.4f}")


if __name__ == "__main__":
    main()
