"""C12: faults planted in real models are caught by the gate of a run at their first or second occurrence, clean updates are not.

Real models on made-up tables, their out-of-fold row losses as a run measures them. In most worlds the faulty update is better than its
incumbent over all rows, so that a gate on the mean would take it. Leaks and slow code are not the guard's: gome's probes and time limits
stand for them (tests/validation, tests/execution).
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gome_graph.hooks import GateFacts
from gome_graph.records import Solution, StepId, Verdict, VerdictKind
from gome_guard.agent.gate import validate

ROWS, KINDS = 2000, 20
SEEDS = range(5)


class World:
    """A table with twenty kinds of rows and three classes, and the folds of its models."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.kind = rng.integers(0, KINDS, ROWS)
        x = 2 * rng.normal(size=(KINDS, 3))[self.kind] + 0.5 * rng.normal(size=(ROWS, 3))
        score = np.einsum("nij,nj->ni", rng.normal(size=(KINDS, 3, 3))[self.kind], x) + 0.5 * rng.gumbel(size=(ROWS, 3))
        self.y = score.argmax(1)
        self.frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(kind=self.kind)
        rows = [np.bincount(self.y[self.kind == k], minlength=3) for k in range(KINDS)]
        self.prone = int(np.argmax([count[:2].min() for count in rows]))
        """The kind in which the first two classes are most mixed: there every fault costs something."""

    def predict(self, seed: int, spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame) -> np.ndarray:
        """Out-of-fold probabilities of a linear model for each kind; `spoil` is what the script does wrong to the rows it predicts."""
        from sklearn.linear_model import LogisticRegression

        fold, out = np.random.default_rng(seed).permutation(ROWS) % 3, np.full((ROWS, 3), 0.01)
        for f in range(3):
            model = LogisticRegression(max_iter=400).fit(self._by_kind(self.frame[fold != f]), self.y[fold != f])
            out[np.ix_(fold == f, model.classes_)] += model.predict_proba(self._by_kind(spoil(self.frame[fold == f])))
        return out / out.sum(1, keepdims=True)

    def _by_kind(self, frame: pd.DataFrame) -> np.ndarray:
        mine = np.eye(KINDS)[frame["kind"].to_numpy()]
        parts = [mine, *(mine * frame[name].to_numpy()[:, None] for name in ("a", "b", "c"))]
        return np.concatenate(parts, axis=1)

    def losses(self, p: np.ndarray, gain: float = 0.0, but: int = -1) -> np.ndarray:
        """Log loss by row; `gain` mixes in the truth but for one kind of rows: the update is otherwise better."""
        share = np.where(self.kind == but, 0.0, gain)[:, None]
        mixed = (1 - share) * p + share * np.eye(3)[self.y]
        return -np.log(mixed[np.arange(ROWS), self.y])


def slice_loss(world: World, p: np.ndarray, kind: int) -> np.ndarray:
    """Answers of a kind of rows are of other rows: a join gone wrong."""
    out, rows = p.copy(), np.flatnonzero(world.kind == kind)
    out[rows] = p[np.random.default_rng(1).permutation(ROWS)[: len(rows)]]
    return out


def label_swap(world: World, p: np.ndarray, kind: int) -> np.ndarray:
    """Two classes are mixed up for a kind of rows."""
    out, rows = p.copy(), np.flatnonzero(world.kind == kind)
    out[rows] = p[rows][:, [1, 0, 2]]
    return out


def unit_shift(world: World, p: np.ndarray, kind: int) -> np.ndarray:
    """One source of rows comes in degrees Fahrenheit: the model knows Celsius."""

    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        hit = frame["kind"] == kind
        return frame.assign(**{name: np.where(hit, 1.8 * frame[name] + 32, frame[name]) for name in ("a", "b", "c")})

    return world.predict(9, spoil)


Fault = Callable[[World, np.ndarray, int], np.ndarray]
FAULTS: tuple[Fault, ...] = (slice_loss, label_swap, unit_shift)


class Run:
    """Steps of one run before the gate."""

    def __init__(self, root: Path, world: World) -> None:
        self.root, self.world, self.steps = root, world, dict[str, np.ndarray]()

    def refused(self, name: str, loss: np.ndarray, incumbent: str | None) -> bool:
        self.steps[name] = loss
        facts = GateFacts(
            self.root,
            StepId(incumbent) if incumbent else None,
            lambda s: SimpleNamespace(frame=self.world.frame, row_losses=self.steps[s], format=SimpleNamespace(targets=["y"])),
        )
        solution = Solution(step=StepId(name), trace=0, script="print()")
        return validate(solution, Verdict(kind=VerdictKind.ACCEPTED, reason="better"), facts) is not None


def occurrences(fault: Fault, seed: int, root: Path) -> tuple[bool, bool, bool]:
    """Whether a fault is refused at its first occurrence, at its first or second, and is hidden in the mean over all rows."""
    world = World(seed)
    first, kind, run = world.predict(seed), world.prone, Run(root, world)
    run.refused("t0-0", world.losses(first), None)
    faulty = world.losses(fault(world, first, kind), gain=0.6, but=kind)
    once = run.refused("t0-1", faulty, "t0-0")
    twice = once or run.refused("t0-2", world.losses(fault(world, first, kind), gain=0.65, but=kind), "t0-0")
    return once, twice, bool(faulty.mean() < run.steps["t0-0"].mean())


def clean_refused(seed: int, root: Path) -> bool:
    """Whether an update that is a little better everywhere is refused."""
    world = World(seed)
    run = Run(root, world)
    run.refused("t0-0", world.losses(world.predict(seed)), None)
    return run.refused("t0-1", world.losses(world.predict(seed + 1000), gain=0.05), "t0-0")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_at_its_first_or_second_occurrence(fault: Fault, tmp_path: Path) -> None:
    found = [occurrences(fault, seed, tmp_path / str(seed)) for seed in SEEDS]
    assert np.mean([hidden for *_, hidden in found]) > 0.5, "in most worlds the mean over all rows must not show the fault"
    assert np.mean([twice for _, twice, _ in found]) >= 0.9


def test_clean_updates_are_not_refused(tmp_path: Path) -> None:
    assert not any(clean_refused(seed, tmp_path / str(seed)) for seed in SEEDS)
