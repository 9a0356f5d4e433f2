"""Training on a real bank, and predictions of the policy that came out."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from gome_graph.errors import TaskError
from gome_guard.log import Array, Distribution, align, build, preferred
from gome_guard.policy.features import TextFeatures, unit
from gome_guard.policy.learner import Batch, LearnerSettings, RPBatch, fit, fit_reward, predicted_reward
from gome_guard.policy.network import Network, load, save
from gome_guard.records import Feedback, RPSample

HELD_KL = 20.0
"""Multiplier of the replication term on requests where the incumbent is to stay: twenty times the usual weight is as much as the reward."""


def train_bank(
    rows: Sequence[Feedback], samples: Sequence[RPSample], out: Path, *, start: Path | None = None, loss: str = "dr", epochs: int = 20,
    seed: int = 0, incumbent: Distribution | None = None, held: Collection[str] = (), doubted: Collection[str] = (),
    weights: Mapping[str, float] | None = None,
) -> list[float]:  # fmt: skip
    """Train from a log and R/P samples, save to `out`; returns the loss by epoch.

    `incumbent` is the policy to stay near to (default: the one in `start`), most of all where it prefers one of the actions in `held`.
    Rows of the requests in `doubted` teach nothing. `weights` multiply the samples of a segment (repair).
    """
    torch.manual_seed(seed)
    log = build(rows)
    if start is None:
        actions, text = log.actions, None if rows[0].features else TextFeatures.fit([row.text for row in rows], seed=seed)
        x = _features(rows, text)
        network = Network(x.shape[1], len(actions))
    else:
        network, actions, extra, _ = load(start)
        text = TextFeatures(extra["idf"], extra["components"]) if "idf" in extra else None
        x = _features(rows, text)
        new = sorted(set(log.actions) - set(actions))
        if new:
            raise TaskError(
                f"{start} does not know {len(new)} actions of the log, for example {new[0]!r}; train a new policy without --from."
            )
    code = {action: i for i, action in enumerate(actions)}
    candidates = _codes([row.candidates for row in rows], code)
    mask = candidates >= 0
    if incumbent is not None:
        old = align(log, incumbent, "the incumbent")
    else:
        old = network.probabilities(x, candidates) if start is not None else mask / mask.sum(1, keepdims=True)
    stays = np.isin(preferred(log, old), [i for i, action in enumerate(log.actions) if action in held])
    batch = Batch(
        x=x, candidates=candidates, chosen=log.chosen, propensity=log.propensity, reward=log.reward, old=old,
        believed=np.array([float(row.id not in doubted) for row in rows]), hold=np.where(stays, HELD_KL, 1.0),
    )  # fmt: skip
    q = predicted_reward(fit_reward(Network(x.shape[1], len(actions)), batch, epochs=epochs, seed=seed), x, candidates)
    found = fit(network, batch, q, LearnerSettings(loss=loss, epochs=epochs), rp=_taught(samples, text, code, weights or {}), seed=seed)
    extras = {} if text is None else {"idf": text.idf, "components": text.components}
    save(out, found.network, tuple(actions), extras, {"seed": seed, "rows": len(rows), "samples": len(samples)})
    return found.loss


def _features(rows: Sequence[Feedback] | Sequence[RPSample], text: TextFeatures | None) -> Array:
    if text is not None:
        return text([row.text for row in rows])
    if len({len(row.features) for row in rows}) > 1 or not rows[0].features:
        raise TaskError("The log's rows must all have `features` of the same length, or all have `text`.")
    return unit(np.array([row.features for row in rows], dtype=np.float32))


def _codes(candidates: Sequence[Sequence[str]], code: dict[str, int]) -> Array:
    out = np.full((len(candidates), max(len(c) for c in candidates)), -1, np.int64)
    for i, each in enumerate(candidates):
        out[i, : len(each)] = [code.get(action, -1) for action in each]
    return out


def _taught(samples: Sequence[RPSample], text: TextFeatures | None, code: dict[str, int], weights: Mapping[str, float]) -> RPBatch | None:
    known = [s for s in samples if any(action in code for action in s.accept)]
    if not known:
        return None
    offered = _codes([s.candidates for s in known], code)
    accept = np.stack([np.isin(offered[i], [code[a] for a in s.accept if a in code]) for i, s in enumerate(known)])
    reject = np.stack([np.isin(offered[i], [code[a] for a in s.reject if a in code]) for i, s in enumerate(known)])
    weight = [weights.get(s.segment, 1.0) * (0.5 if s.mined else 1.0) for s in known]
    return RPBatch(_features(known, text), offered, accept, reject, np.array(weight))


def predictions(policy: Path, rows: Sequence[Feedback]) -> Distribution:
    """What a saved policy does on logged requests."""
    network, actions, extra, _ = load(policy)
    text = TextFeatures(extra["idf"], extra["components"]) if "idf" in extra else None
    code = {action: i for i, action in enumerate(actions)}
    p = network.probabilities(_features(rows, text), _codes([row.candidates for row in rows], code))
    return {row.id: dict(zip(row.candidates, np.round(p[i], 6).tolist(), strict=False)) for i, row in enumerate(rows)}
