"""The crossover on a made landscape: what the structure of a search gives by itself, in seconds instead of days.

    python benchmarks/strategies/simulated.py [--worlds 60] [--steps 30] [--json]

No model is fitted and no script is run. The strategies are the real ones; the world is an assumption, stated here in full:

- A root has a ceiling, normal with SD `CEILING_SD` around `CEILING`, in noise units, and starts at a third of it on average.
- From each step `DIRECTIONS` directions can be taken. `GOOD` of them gain half of the way that is left to the ceiling, times a uniform
  number; the others are useless (normal around -0.3).
- The reasoner is right with probability q: then it takes a good direction that this step has not seen taken, if one is left. Wrong, it
  takes a useless one. It always states the same confidence. A direction does not come twice at a step.
- A script fails with probability `FAILS`. Scores carry noise of SD 0.5 of their own; a step is accepted where its measured gain is above
  0.84 paired SD, as P(better) >= 0.8 is. Probes measure with three times that noise (a tenth of the rows), and cost nothing.
- The result is the true value of the accepted step with the best measured score. ``x3``: three traces with a third of the steps each.

So it answers: given the same operators and the same rate of wrong directions, which search structure wastes fewer steps? It cannot say how
right a reasoner is in life, or how ceilings lie; `crossover.py` measures on real tasks.
"""

import argparse
import json
import random
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from gome_graph.hooks import Move, MoveKind, TraceView
from gome_graph.records import Component, StepId, StepSummary, VerdictKind, step_id
from gome_graph.strategies.broad import BroadStrategy
from gome_graph.strategies.gradient import GradientStrategy
from gome_graph.strategies.hybrid import HybridStrategy
from gome_graph.strategies.mcts import MctsStrategy
from gome_graph.strategies.random import RandomStrategy
from gome_graph.strategies.tree import TreeStrategy

STRATEGIES = {s.name: s for s in (GradientStrategy, BroadStrategy, HybridStrategy, TreeStrategy, MctsStrategy, RandomStrategy)}
ARMS = ("gradient", "gradient x3", "broad", "hybrid", "hybrid x3", "tree", "mcts", "random")
CEILING, CEILING_SD, DIRECTIONS, GOOD, FAILS = 6.0, 2.0, 12, 4, 0.08
NOISE, PAIRED, PROBE_NOISE, ACCEPT = 0.5, 0.5, 1.5, 0.84
CONFIDENCE = 0.5
OFFSET = 100.0
"""Added to values, so that relative thresholds of strategies see scores like those of a metric."""
LEVELS = tuple(round(n / 9, 3) for n in range(10))


@dataclass
class Point:
    """The truth about a step."""

    value: float
    ceiling: float
    left: list[float] = field(default_factory=list)
    """Gains of the directions not taken yet, good ones first."""


class World:
    """One trace of one strategy."""

    def __init__(self, q: float, seed: int, steps: int, first_root: int = 0) -> None:
        self.q, self.seed, self.steps = q, seed, steps
        self.points: dict[StepId, Point] = {}
        self.view = TraceView(0, 0, [], False, 1e6, seed=seed)
        self.first = self.roots = first_root

    def play(self, strategy: object) -> tuple[float, float]:
        """Measured score and true value of the accepted step with the best measured score."""
        self.take(Move(MoveKind.ROOT))
        while self.view.step < self.steps:
            move = strategy.next(self.view)
            if move.kind is MoveKind.STOP:
                break
            self.take(move)
        sound = [line for line in self.view.history if line.outcome == VerdictKind.ACCEPTED]
        if not sound:
            return 0.0, 0.0
        best = max(sound, key=lambda line: line.score)
        return best.score, self.points[best.step].value

    def take(self, move: Move) -> None:
        view, name = self.view, step_id(0, self.view.step)
        throw = random.Random(f"{self.seed} {self.first} {view.step}")
        parent = self.parent(move)
        above = self.points.get(parent) if parent is not None else None
        if parent is not None and above is not None and not above.left:
            self.view = replace(view, exhausted=view.exhausted | {parent}, step=view.step + 1)
            return
        point = self.root() if above is None else self.child(above, throw, move.probes)
        failed = throw.random() < FAILS
        score = point.value + throw.gauss(0, NOISE)
        gain = 0.0 if above is None else point.value - above.value + throw.gauss(0, PAIRED)
        better = above is None or gain > ACCEPT * PAIRED
        outcome = VerdictKind.CRASHED if failed else VerdictKind.ACCEPTED if better else VerdictKind.NOT_BETTER
        self.points[name] = point
        line = StepSummary(step=name, hypothesis=name, technique=None, component=Component.MODEL, outcome=outcome.value,
                           score=None if failed else OFFSET + score)  # fmt: skip
        self.view = replace(
            view, step=view.step + 1, history=[*view.history, line], has_incumbent=view.has_incumbent or outcome is VerdictKind.ACCEPTED,
            progress=(view.step + 1) / self.steps, parents={**view.parents, name: parent},
            confidences={**view.confidences, **({} if parent is None else {name: CONFIDENCE})},
        )  # fmt: skip

    def parent(self, move: Move) -> StepId | None:
        if move.kind is MoveKind.ROOT or move.parent is not None:
            return move.parent
        return next(line.step for line in reversed(self.view.history) if line.outcome == VerdictKind.ACCEPTED)

    def root(self) -> Point:
        """The same roots in the same order for every strategy of a seed."""
        throw = random.Random(f"root {self.seed} {self.roots}")
        self.roots += 1
        ceiling = max(throw.gauss(CEILING, CEILING_SD), 1.0)
        return self.grown(throw.uniform(0, 2 / 3) * ceiling, ceiling, throw)

    def grown(self, value: float, ceiling: float, throw: random.Random) -> Point:
        good = [0.5 * max(ceiling - value, 0.0) * throw.random() for _ in range(GOOD)]
        return Point(value, ceiling, [*good, *(throw.gauss(-0.3, 0.3) for _ in range(DIRECTIONS - GOOD))])

    def child(self, above: Point, throw: random.Random, probes: int) -> Point:
        """The direction the reasoner points in; of several, the one that a probe measures best."""
        pointed: list[float] = []
        for _ in range(min(probes, len(above.left))):
            good, useless = [g for g in above.left if g > 0 and g not in pointed], [g for g in above.left if g <= 0 and g not in pointed]
            right = throw.random() < self.q
            among = (good or useless) if right else (useless or good)
            pointed += [throw.choice(among)] if among else []
        gain = max(pointed, key=lambda g: g + throw.gauss(0, PROBE_NOISE)) if len(pointed) > 1 else pointed[0]
        above.left.remove(gain)
        return self.grown(above.value + gain, above.ceiling, throw)


def value(arm: str, q: float, seed: int, steps: int) -> float:
    """What an arm hands out; ``x3`` is three traces with a third of the steps each, that do not learn from each other."""
    name, traces = (arm.removesuffix(" x3"), 3) if arm.endswith(" x3") else (arm, 1)
    played = [World(q, seed, steps // traces, first_root=trace).play(STRATEGIES[name]()) for trace in range(traces)]
    return max(played)[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {
        (q, arm): [value(arm, q, seed, options.steps) for seed in range(options.worlds)] for q in LEVELS for arm in ARMS
    }  # fmt: skip
    if options.json:
        print(json.dumps([{"q": q, "strategy": name, "values": values} for (q, name), values in found.items()]))
        return 0
    print(f"| q | gradient | {' | '.join(arm + ' - gradient' for arm in ARMS[1:])} |")
    print("|" + "---|" * (len(ARMS) + 1))
    for q in LEVELS:
        base = np.array(found[q, "gradient"])
        cells = [f"{base.mean():.2f} ± {error(base):.2f}"]
        for arm in ARMS[1:]:
            against = np.array(found[q, arm]) - base
            mean, half = against.mean(), 1.96 * error(against)
            cells.append(f"{mean:+.2f} [{mean - half:+.2f}, {mean + half:+.2f}]")
        print(f"| {q:g} | {' | '.join(cells)} |", flush=True)
    return 0


def error(values: np.ndarray) -> float:
    """Standard error of the mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


if __name__ == "__main__":
    sys.exit(main())
