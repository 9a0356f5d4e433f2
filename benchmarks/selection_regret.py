"""Behaviour 7 (gome.md) measured: regret of the final selection on synthetic score logs.

    python benchmarks/selection_regret.py [--logs 2000] [--seed 0]

Each log is a run: 3 traces climb by accepted steps whose real gains are drawn (most are none or losses, a few help). Validation scores
carry noise of the rows, shared within a run, noise of each solution's own and of seeds; an audit part of a tenth of the rows carries more.
Acceptance is the paired test at its measured size. The top 3 are re-run with 3 seeds, then each rule chooses. Regret is the real score
of the
best accepted solution minus that of the chosen one, in standard errors of a validation score. Three regimes: calm, noisy, overfitting.
"""

import argparse
import math
import sys
from dataclasses import dataclass

import numpy as np

from gome_graph.records import Score, StepId
from gome_graph.validation.selection import FinalCandidate, Measurement, choose_final, top_k

FOLDS, ROWS, AUDIT = 5, 4500, 500
OURS = "gome (lower bound)"
ERROR = 0.01
"""Standard error of a validation score; the scale of everything else."""


def score(value: float, error: float, rows: int, folds: "np.ndarray | None" = None) -> Score:
    """A score; `folds` is how its folds scatter by what belongs to the solution (what belongs to the rows pairing takes out)."""
    by_fold = [] if folds is None else (value + folds - folds.mean()).tolist()
    return Score(metric="accuracy", higher_is_better=True, value=value, standard_error=error, by_fold=by_fold, rows=rows)


@dataclass(frozen=True)
class Regime:
    """What the logs of a run look like, in standard errors of a validation score."""

    own: tuple[float, float]
    """Range of a solution's own noise: what pairing on rows cannot take out."""
    overfit: float
    """Share of steps that also fit the folds' noise (leaky features, tuning on the folds)."""
    optimism: float
    """Largest optimism of such a step."""


REGIMES = {
    "calm": Regime((0.15, 0.6), 0.0, 0.0),
    "noisy": Regime((0.5, 1.2), 0.0, 0.0),
    "overfitting": Regime((0.15, 0.6), 0.15, 4.0),
}


@dataclass(frozen=True)
class Made:
    """One accepted solution of a log."""

    step: StepId
    real: float
    rows: float
    """Its validation score but for the seed: real score, luck of the rows, and overfit."""
    shown: float
    """The validation score that the run saw, with the seed's luck."""
    accepted: int
    """Accepted steps before it in its trace."""


def one_log(rng: np.random.Generator, regime: Regime) -> tuple[list[Made], float, float]:
    """Accepted solutions of a run, the own noise and the noise of seeds. What overfits is inherited by later steps of the trace."""
    own = ERROR * rng.uniform(*regime.own)
    seed_noise = own * rng.uniform(0.2, 0.8)
    shared = ERROR * rng.standard_normal()
    made = []
    for trace in range(3):
        real, bias = 0.8 + ERROR * 0.7 * rng.standard_normal(), 0.0
        rows = real + shared + own * rng.standard_normal()
        made.append(Made(StepId(f"t{trace}-0"), real, rows, rows + seed_noise * rng.standard_normal(), 0))
        shown = made[-1].shown
        count = 0
        for step in range(1, 13):
            gain = ERROR * (rng.exponential(0.5) if rng.random() < 0.35 else -rng.exponential(0.5) if rng.random() < 0.6 else 0.0)
            lucky = ERROR * regime.optimism * rng.random() if rng.random() < regime.overfit else 0.0
            new_rows = real + gain + shared + bias + lucky + own * rng.standard_normal()
            new_shown = new_rows + seed_noise * rng.standard_normal()
            if new_shown - shown > 1.7 * math.sqrt(2) * own:
                real, shown, bias, count = real + gain, new_shown, bias + lucky, count + 1
                made.append(Made(StepId(f"t{trace}-{step}"), real, new_rows, shown, count))
    return made, own, seed_noise


def measure(real: float, rows: float, own: float, seed_noise: float, rng: np.random.Generator, audit_shared: float) -> list[Measurement]:
    """Three seeds of one solution: the rows' luck stays, the seed's is drawn anew."""
    ratio = math.sqrt(ROWS / AUDIT)
    luck = own * ratio * rng.standard_normal()
    folds = own * math.sqrt(FOLDS) * rng.standard_normal(FOLDS)
    found = []
    for seed in range(3):
        moved = seed_noise * rng.standard_normal()
        held_out = real + audit_shared + luck + moved + seed_noise * rng.standard_normal()
        validation = score(rows + moved, ERROR, ROWS, folds + seed_noise * math.sqrt(FOLDS) * rng.standard_normal(FOLDS))
        found.append(Measurement(seed, validation, score(held_out, ERROR * ratio, AUDIT)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    every: dict[str, list[float]] = {}
    for name, regime in REGIMES.items():
        print(
            f"{name}: own noise {regime.own[0]} to {regime.own[1]}, {100 * regime.overfit:.0f} % of steps overfit by up to "
            f"{regime.optimism}"
        )
        regrets = play(regime, options.logs, options.seed)
        report(regrets)
        for rule, values in regrets.items():
            every.setdefault(rule, []).extend(values)
    print("all three together")
    report(every)
    return 0


def play(regime: Regime, logs: int, seed: int) -> dict[str, list[float]]:
    """Regret of each rule on each log."""
    rng = np.random.default_rng(seed)
    rules: dict[str, list[float]] = {"last accepted": [], "best validation": [], "best audit of top 3": [], OURS: []}
    for _ in range(logs):
        made, own, seed_noise = one_log(rng, regime)
        by_step = {m.step: m for m in made}
        real = {m.step: m.real for m in made}
        scored = [(m.step, score(m.shown, ERROR, ROWS)) for m in made]
        audit_shared = ERROR * math.sqrt(ROWS / AUDIT) * rng.standard_normal()
        finalists = [
            FinalCandidate(
                step,
                int(step[1]),
                measure(real[step], by_step[step].rows, own, seed_noise, rng, audit_shared),
                accepted=by_step[step].accepted,
            )
            for step in top_k(scored, 3)
        ]
        best = max(real.values())
        chosen = {
            "last accepted": max(made, key=lambda m: int(m.step.split("-")[1])).step,
            "best validation": max(made, key=lambda m: m.shown).step,
            "best audit of top 3": max(finalists, key=lambda c: np.mean([m.audit.value for m in c.measurements if m.audit])).step,
            OURS: choose_final(finalists).step,
        }
        for rule, step in chosen.items():
            rules[rule].append((best - real[step]) / ERROR)
    return rules


def report(rules: dict[str, list[float]]) -> None:
    ours = np.array(rules[OURS])
    for rule, regrets in rules.items():
        values = np.array(regrets)
        error = values.std(ddof=1) / math.sqrt(len(values))
        saved = values - ours
        paired = saved.std(ddof=1) / math.sqrt(len(values))
        print(
            f"  {rule:<20} regret {values.mean():.3f} [{values.mean() - 1.96 * error:.3f}, {values.mean() + 1.96 * error:.3f}] "
            f"standard errors; more than ours by {saved.mean():+.3f} [{saved.mean() - 1.96 * paired:+.3f}, "
            f"{saved.mean() + 1.96 * paired:+.3f}]"
        )


if __name__ == "__main__":
    sys.exit(main())
