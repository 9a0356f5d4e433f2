"""A jump is held for one window: transient ones are forgotten, lasting ones believed."""

import numpy as np

from gome_guard.quarantine import Quarantine, QuarantineSettings


def window(levels: list[float], rows: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(len(levels)), rows)
    return cell, (rng.random(len(cell)) < np.array(levels)[cell]).astype(float)


def past(quarantine: Quarantine) -> None:
    for seed in range(3):
        quarantine.look(*window([0.9, 0.9, 0.3], seed=seed))


def test_a_transient_jump_is_held_and_then_dropped() -> None:
    q = Quarantine()
    past(q)
    assert q.look(*window([0.1, 0.9, 0.3], seed=5)).held == {0}
    after = q.look(*window([0.9, 0.9, 0.3], seed=6))
    assert (after.held, after.dropped, after.confirmed) == (frozenset(), {0}, frozenset())


def test_a_lasting_change_is_confirmed_by_the_next_window() -> None:
    q = Quarantine()
    past(q)
    q.look(*window([0.9, 0.9, 0.8], seed=5))
    after = q.look(*window([0.9, 0.9, 0.8], seed=6))
    assert (after.confirmed, after.held) == ({2}, frozenset())
    assert not q.look(*window([0.9, 0.9, 0.8], seed=7)).held  # the new level is the history now


def test_without_confirmation_a_lasting_change_stays_held() -> None:
    q = Quarantine(QuarantineSettings(confirm=False))
    past(q)
    assert all(2 in q.look(*window([0.9, 0.9, 0.8], seed=s)).held for s in range(5, 8))


def test_false_holds_are_as_rare_as_alpha_says() -> None:
    held = 0
    for seed in range(100):
        q = Quarantine(QuarantineSettings(effect=0.0))
        looks = [q.look(*window([0.8] * 10, rows=60, seed=1000 * seed + t)) for t in range(4)]
        held += len(looks[-1].held)
    assert held / 1000 <= 0.06


def test_a_cell_that_is_not_seen_stays_held() -> None:
    q = Quarantine()
    past(q)
    q.look(*window([0.1, 0.9, 0.3], seed=5))
    assert 0 in q.look(np.array([1] * 40), np.ones(40)).held
