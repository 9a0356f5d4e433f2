"""Estimates and gate: coverage over 1,000 draws, a million rows, family-wise false blocks, speed of the checks.

python benchmarks/guard/estimates.py
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np

from gome_guard.gate.check import GateSamples, check
from gome_guard.gate.override import Overrides
from gome_guard.ope.estimators import terms
from gome_guard.ope.evaluate import evaluate, lower_bound
from gome_guard.ope.intervals import interval
from gome_guard.policy.features import unit

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "gome-guard" / "tests"))
from worlds import world

DRAWS = 1000


def coverage() -> None:
    """Share of draws in which a 95 % interval covers the exact value."""
    w = world(6)
    top = float((w.target / w.logging).max())
    hits = dict.fromkeys(
        ("ips normal", "ips bootstrap", "ips empirical_bernstein", "ips confidence_sequence", "snips normal", "dr normal"), 0
    )
    false = 0
    for seed in range(DRAWS):
        log, target = w.draw(500, seed)
        for name in hits:
            estimator, method = name.split()
            q = np.full(target.shape, 0.5)
            found = interval(terms(estimator, log, target, q), method, bounds=(0, top), seed=seed)
            hits[name] += found.low <= w.value <= found.high
        other = target[np.random.default_rng(seed).permutation(len(target))]
        moved = terms("dr", log, target, q) - terms("dr", log, other, q)
        false += lower_bound(moved - moved.mean() + np.random.default_rng(seed).normal(0, moved.std() / np.sqrt(len(moved)))) > 0
    print("coverage of 95 % intervals:", {name: count / DRAWS for name, count in hits.items()})
    print(f"paired lower bound accepts A/A: {false / DRAWS:.3f}")


def million() -> None:
    """All estimators on a million rows."""
    log, target = world(9, m=20, k=10).draw(1_000_000, 0)
    start, cpu = time.perf_counter(), time.process_time()
    found = evaluate(log, target)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    seconds = f"{time.process_time() - cpu:.1f} CPU s, {time.perf_counter() - start:.1f} s"
    print(f"1 M rows, {len(found.values)} estimators: {seconds}, {memory:.2f} GB")


def gate() -> None:
    """False blocks of re-seeded incumbents, and the time of a large check."""
    rng = np.random.default_rng(0)
    names = [f"g{i}" for i in range(30) for _ in range(12)]
    given = GateSamples([str(i) for i in range(360)], names, np.tile([True, False], (360, 1)), np.ones(360, bool))
    before, blocked = np.tile([0.9, 0.1], (360, 1)), 0
    for _ in range(200):
        after = np.where((rng.random(360) >= 0.02)[:, None], [0.9, 0.1], [0.1, 0.9])
        blocked += check(given, before, after, None).decision == "block"
    print(f"false blocks on 200 A/A pairs, 30 segments, churn 2 %: {blocked / 200:.3f}")
    n = 10_000
    given = GateSamples([str(i) for i in range(n)], [str(i % 100) for i in range(n)], np.tile([True, False], (n, 1)), np.ones(n, bool))
    before, noisy = np.tile([0.9, 0.1], (n, 1)), np.tile([0.8, 0.2], (8, n, 1))
    start = time.process_time()
    check(given, before, before, noisy)
    print(f"10,000 samples x 8 copies: {time.process_time() - start:.2f} CPU s")
    table = Overrides(unit(rng.normal(size=(n, 192)).astype(np.float32)), np.zeros(n, int), np.ones(n, int))
    took = []
    for _ in range(300):
        x = unit(rng.normal(size=(1, 192)).astype(np.float32))
        start = time.thread_time()
        table.lookup(x, np.array([[0, 1]]), np.array([1]))
        took.append(time.thread_time() - start)
    print(f"override lookup among 10,000: p95 {1000 * np.quantile(took, 0.95):.2f} ms")


if __name__ == "__main__":
    million()
    gate()
    coverage()
