"""The learner improves on its log, and each term of its loss does what it is there for. Needs torch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from gome_graph.errors import TaskError
from gome_guard.policy.features import TextFeatures
from gome_guard.policy.learner import LOSSES, Batch, LearnerSettings, RPBatch, fit
from gome_guard.policy.network import Network, load, save

ACTIONS = 4


def batch(n: int = 1500, seed: int = 0, **changes: Any) -> tuple[Batch, np.ndarray]:
    """Requests of four kinds; the action of the same number is right nine times in ten; logged at random."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, ACTIONS, n)
    x = (np.eye(ACTIONS, 8)[kind] + 0.1 * rng.normal(size=(n, 8))).astype(np.float32)
    candidates = np.tile(np.arange(ACTIONS), (n, 1))
    candidates[::5, 3] = -1
    size = (candidates >= 0).sum(1)
    chosen = (rng.random(n) * size).astype(int)
    reward = (rng.random(n) < np.where(chosen == kind, 0.9, 0.1)).astype(float)
    uniform = (candidates >= 0) / size[:, None]
    values = {
        "x": x, "candidates": candidates, "chosen": chosen, "propensity": 1 / size, "reward": reward, "old": uniform,
        "believed": np.ones(n), "hold": np.ones(n),
    }  # fmt: skip
    return Batch(**{**values, **changes}), kind


def right(network: Network, data: Batch, kind: np.ndarray) -> np.ndarray:
    p = network.probabilities(data.x, data.candidates)
    assert np.all(p[data.candidates < 0] == 0)
    return np.asarray(p.argmax(1) == kind)


def settings(**changes: Any) -> LearnerSettings:
    return LearnerSettings(epochs=12, batch=128, rate=1e-2, **changes)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_the_right_actions(loss: str) -> None:
    data, kind = batch()
    q = np.full(data.candidates.shape, 0.5)
    found = fit(Network(8, ACTIONS), data, q, settings(loss=loss))
    on_offer = (data.candidates == kind[:, None]).any(1)
    assert right(found.network, data, kind)[on_offer].mean() > 0.9


def test_rows_in_quarantine_teach_nothing_and_are_held_to_the_old_policy() -> None:
    data, kind = batch()
    held = kind == 2
    old = np.where(held[:, None], np.eye(ACTIONS)[1], data.old)
    data, kind = batch(believed=(~held).astype(float), hold=np.where(held, 30.0, 1.0), old=old)
    keep = data.candidates[:, 3] >= 0
    p = fit(Network(8, ACTIONS), data, np.full(data.candidates.shape, 0.5), settings()).network.probabilities(data.x, data.candidates)
    assert p[held & keep, 1].mean() > 0.8
    assert right(fit(Network(8, ACTIONS), data, p * 0 + 0.5, settings()).network, data, kind)[~held & keep].mean() > 0.9


def test_samples_teach_what_the_log_says_wrongly() -> None:
    data, kind = batch()
    data, kind = batch(reward=np.where(kind == 2, 1 - data.reward, data.reward))
    where = np.flatnonzero((kind == 2) & (data.candidates[:, 3] >= 0))[:100]
    offered = data.candidates[where]
    samples = RPBatch(data.x[where], offered, offered == 2, offered != 2, np.ones(len(where)))
    q, test = np.full(data.candidates.shape, 0.5), (kind == 2) & (data.candidates[:, 3] >= 0)
    alone = fit(Network(8, ACTIONS), data, q, settings()).network
    taught = fit(Network(8, ACTIONS), data, q, settings(rp=3.0), rp=samples).network
    assert right(alone, data, kind)[test].mean() < 0.2
    assert right(taught, data, kind)[test].mean() > 0.8


def test_a_domain_that_may_not_move_does_not() -> None:
    data, _ = batch(domain=np.arange(1500) % 2)
    found = fit(Network(8, ACTIONS), data, np.full(data.candidates.shape, 0.5), settings(domain_target=0.05))
    free = fit(Network(8, ACTIONS), data, np.full(data.candidates.shape, 0.5), settings())

    def moved(network: Network) -> float:
        p = network.probabilities(data.x, data.candidates)
        offered = data.candidates >= 0
        return float((data.old[offered] * np.log(data.old[offered] / p[offered])).sum() / len(data.x))

    assert moved(found.network) < 0.3 * moved(free.network)
    assert max(found.duals) > 0


def test_a_policy_is_saved_without_pickle_and_comes_back_the_same(tmp_path: Path) -> None:
    network = Network(8, ACTIONS)
    save(tmp_path / "p.npz", network, ("a", "b", "c", "d"), {"idf": np.ones(3)}, {"note": "x"})
    again, actions, extra, meta = load(tmp_path / "p.npz")
    x, offered = np.ones((3, 8), np.float32), np.tile(np.arange(4), (3, 1))
    assert np.array_equal(network.probabilities(x, offered), again.probabilities(x, offered))
    assert (actions, extra["idf"].tolist(), meta["note"]) == (("a", "b", "c", "d"), [1, 1, 1], "x")
    (tmp_path / "bad.npz").write_text("no")
    with pytest.raises(TaskError, match="is not a policy"):
        load(tmp_path / "bad.npz")


def test_similar_texts_have_similar_features() -> None:
    texts = ["play some jazz", "play jazz music", "what is my balance", "show my account balance"] * 5
    x = TextFeatures.fit(texts, 4)(texts)
    assert x[0] @ x[1] > x[0] @ x[2]
    assert np.allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
