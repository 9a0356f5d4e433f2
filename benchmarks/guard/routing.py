"""The guard's bars on a text-classification set turned into a routing world: arms x seeds, in pieces that can be run apart.

python benchmarks/guard/routing.py --data intents.json --seeds 0 1 2 3 4 5 --out /tmp/guard
python benchmarks/guard/routing.py --data intents.json --seeds 3 --out /tmp/guard   # one piece; joined with those there
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from gome_guard.sim.arms import DEFAULT_ARMS, find_arm
from gome_guard.sim.datasets import load_texts
from gome_guard.sim.loop import Tally
from gome_guard.sim.run import fold, run_seeds
from gome_guard.sim.summary import adoption
from gome_guard.sim.world import WorldSettings

BARS = {"tier_b_precision": 0.97, "tier_a_precision": 0.99, "flips": 0.02, "value_loss": 0.003, "value": 0.80, "adopted": 0.7}


def main() -> None:
    """Run the pieces that are missing, then print the table of all that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--arms", default=",".join(DEFAULT_ARMS))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    arms, settings, data = given.arms.split(","), WorldSettings(), load_texts(given.data)
    given.out.mkdir(parents=True, exist_ok=True)
    for seed in given.seeds:
        missing = [arm for arm in arms if not piece(given.out, seed, arm).exists()]
        if missing:
            start = time.process_time()
            done = run_seeds(data, [seed], [find_arm(arm) for arm in missing], settings, say)
            for arm in missing:
                piece(given.out, seed, arm).write_text(json.dumps(asdict(done[arm][0])))
            print(f"seed {seed}: {time.process_time() - start:.0f} CPU seconds", file=sys.stderr, flush=True)
    seeds = sorted({int(p.name.split("-")[1]) for p in given.out.glob("seed-*.json")})
    seeds = [seed for seed in seeds if all(piece(given.out, seed, arm).exists() for arm in arms)]
    tallies = {arm: [read(piece(given.out, seed, arm)) for seed in seeds] for arm in arms}
    report(fold(data, seeds, [find_arm(arm) for arm in arms], settings, tallies))


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)


def piece(out: Path, seed: int, arm: str) -> Path:
    """Where a piece's tally is kept."""
    return out / f"seed-{seed}-{arm}.json"


def read(path: Path) -> Tally:
    """A tally as it was written; JSON has no integer keys."""
    value = json.loads(path.read_text())
    value["moved"] = {int(k): v for k, v in value["moved"].items()}
    return Tally(**value)


def report(found) -> None:  # type: ignore[no-untyped-def]
    """The table and the bars."""
    by = {arm.arm: arm for arm in found.arms}
    print(f"{found.data}: {found.texts} texts, {found.labels} labels, seeds {found.seeds}, result {found.hash}")
    names = ("recurring", "first", "churn", "adopted+2", "blocked")
    print(f"{'arm':18s} {'value':>7s} {'vs none (95 %)':>26s} {' '.join(f'{name:>9s}' for name in names)}")
    for arm in found.arms:
        d = arm.against_none
        against = f"{d.value:+.4f} ({d.low:+.4f} to {d.high:+.4f})" if d else ""
        adopted = adoption(arm, by["none"]) if "none" in by else None
        cells = [f"{v:.3f}" if v is not None else "-" for v in (arm.recurring_flips, arm.first_flips, arm.churn, adopted)]
        print(f"{arm.arm:18s} {arm.value:7.4f} {against:>26s} {' '.join(f'{cell:>9s}' for cell in cells)} {arm.blocked:9d}")
    for arm in found.arms:
        if arm.curation:
            stages = {s: (arm.kept[s], round(i.value, 3), round(i.low, 3)) for s, i in arm.curation.items()}
            print(f"{arm.arm}: kept, precision and its lower bound by stage: {stages}")
            if arm.mined and arm.sealed_broken:
                print(f"    mined {arm.mined.n}, right {arm.mined.value:.3f}; sealed samples broken {arm.sealed_broken.value:.3f}")
    if "guard" in by and "none" in by:
        g, none = by["guard"], by["none"]
        checks = {
            "tier B precise": g.curation["evidence"].value >= BARS["tier_b_precision"],
            "tier A precise": g.curation["consensus"].value >= BARS["tier_a_precision"],
            "recurring flips": (g.recurring_flips or 0) <= BARS["flips"],
            "first flips": (g.first_flips or 0) <= BARS["flips"],
            "value kept": g.value >= none.value - BARS["value_loss"],
            "value": max(arm.value for arm in found.arms) >= BARS["value"],
            "permanent changes": (adoption(g, none) or 0) >= BARS["adopted"],
        }
        print({name: "ok" if ok else "MISSED" for name, ok in checks.items()})


if __name__ == "__main__":
    main()
