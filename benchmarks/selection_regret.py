"""Behaviour 7 (gome.md) measured: regret of the final selection on synthetic score logs.

    python benchmarks/selection_regret.py [--logs 2000] [--seed 0]

Each log is a run: 3 traces climb by accepted steps whose real gains are drawn (most are none or losses, a few help), validation scores
carry row noise that is
shared within a run and noise of each solution's own, an audit part of a tenth of the rows carries more. Acceptance is the paired test at
its measured size.
The top 3 are re-run with 3 seeds, then each rule chooses; regret is the real score of the best accepted solution minus that of the
chosen one,
in units of the validation score's standard error. A third of the logs hold solutions that overfit the folds (validation optimistic by up
to 2 noise units).
"""

import argparse
import math
import sys

import numpy as np

from gome_graph.records import Score, StepId
from gome_graph.validation.selection import FinalCandidate, Measurement, choose_final, top_k

FOLDS, ROWS, AUDIT = 5, 4500, 500
ERROR = 0.01
"""Standard error of a validation score; the scale of everything else."""


def score(value: float, error: float, rows: int, rng: np.random.Generator, own: float) -> Score:
    """A score whose folds scatter by what belongs to the run (taken out by pairing) and to the solution."""
    folds = value + own * math.sqrt(FOLDS) * rng.standard_normal(FOLDS) if own else np.array([])
    folds = folds - folds.mean() + value if len(folds) else folds
    return Score(metric="accuracy", higher_is_better=True, value=value, standard_error=error, by_fold=folds.tolist(), rows=rows)


def one_log(rng: np.random.Generator) -> tuple[list[tuple[StepId, float, float, int]], float, float, float]:
    """Accepted solutions of a run: (step, real score, validation score, accepted steps so far), the own noise and the optimism scale."""
    own = ERROR * rng.uniform(0.15, 0.6)
    seed_noise = own * rng.uniform(0.2, 0.8)
    optimism = ERROR * 2 * rng.random() if rng.random() < 1 / 3 else 0.0
    shared = ERROR * rng.standard_normal()
    accepted = []
    for trace in range(3):
        real = 0.8 + ERROR * 2 * rng.standard_normal()
        shown = real + shared + own * rng.standard_normal()
        accepted.append((StepId(f"t{trace}-0"), real, shown, 0))
        count = 0
        for step in range(1, 13):
            gain = ERROR * (rng.exponential(0.8) if rng.random() < 0.35 else -rng.exponential(0.5) if rng.random() < 0.6 else 0.0)
            lucky = optimism * rng.random() if rng.random() < 0.3 else 0.0
            new_real = real + gain
            new_shown = new_real + shared + own * rng.standard_normal() + lucky
            if new_shown - shown > 1.7 * math.sqrt(2) * own:
                real, shown, count = new_real, new_shown, count + 1
                accepted.append((StepId(f"t{trace}-{step}"), real, shown, count))
    return accepted, own, seed_noise, shared


def measure(real: float, shown: float, own: float, seed_noise: float, rng: np.random.Generator, audit_shared: float) -> list[Measurement]:
    """Three seeds of one solution: the rows' luck stays, the seed's is drawn anew."""
    ratio = math.sqrt(ROWS / AUDIT)
    luck = own * ratio * rng.standard_normal()
    found = []
    for seed in range(3):
        moved = seed_noise * rng.standard_normal()
        found.append(
            Measurement(
                seed=seed,
                validation=score(shown + moved, ERROR, ROWS, rng, own),
                audit=score(real + audit_shared + luck + moved + seed_noise * rng.standard_normal(), ERROR * ratio, AUDIT, rng, 0.0),
            )
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    rules: dict[str, list[float]] = {"last accepted": [], "best validation": [], "best audit of top 3": [], "gome (lower bound)": []}
    for _ in range(options.logs):
        accepted, own, seed_noise, _ = one_log(rng)
        real = {step: value for step, value, _, _ in accepted}
        shown = {step: value for step, _, value, _ in accepted}
        counts = {step: count for step, _, _, count in accepted}
        scored = [(step, score(value, ERROR, ROWS, rng, 0.0)) for step, value in shown.items()]
        audit_shared = ERROR * math.sqrt(ROWS / AUDIT) * rng.standard_normal()
        finalists = [
            FinalCandidate(step, int(step[1]), measure(real[step], shown[step], own, seed_noise, rng, audit_shared), accepted=counts[step])
            for step in top_k(scored, 3)
        ]
        best = max(real.values())
        last = max(accepted, key=lambda item: int(item[0].split("-")[1]))[0]
        by_audit = max(finalists, key=lambda c: np.mean([m.audit.value for m in c.measurements if m.audit]))
        chosen = {
            "last accepted": last,
            "best validation": max(shown, key=lambda step: shown[step]),
            "best audit of top 3": by_audit.step,
            "gome (lower bound)": choose_final(finalists).step,
        }
        for rule, step in chosen.items():
            rules[rule].append((best - real[step]) / ERROR)
    ours = np.array(rules["gome (lower bound)"])
    for rule, regrets in rules.items():
        values = np.array(regrets)
        error = values.std(ddof=1) / math.sqrt(len(values))
        saved = values - ours
        paired = saved.std(ddof=1) / math.sqrt(len(values))
        print(
            f"{rule:<22} regret {values.mean():.3f} [{values.mean() - 1.96 * error:.3f}, {values.mean() + 1.96 * error:.3f}] "
            f"standard errors; "
            f"more than ours by {saved.mean():+.3f} [{saved.mean() - 1.96 * paired:+.3f}, {saved.mean() + 1.96 * paired:+.3f}]"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
