"""C1: our estimators against those of the Open Bandit Pipeline, row set by row set, and on the Open Bandit sample.

    pip install --no-deps --ignore-requires-python --target /tmp/obp obp==0.5.7
    python benchmarks/guard/against_obp.py --obp /tmp/obp --open-bandit obd_small

obp declares a Python below 3.11 and its packages import half of machine learning, so its files with the estimators are loaded alone.
Of the sample, the log of one policy must predict what the other one's log says it earned: `random` is uniform, so its value can be
estimated from the log of `bts`.
"""

import argparse
import importlib
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd

from gome_guard.log import Log
from gome_guard.ope.estimators import Settings, terms
from gome_guard.ope.intervals import interval
from gome_guard.ope.model import cell_means

SETTINGS = Settings(clip=10.0, switch=3.0, shrink=50.0)
"""Small enough that clipping, switching and shrinking do something on both data sets."""


def estimators(root: Path) -> dict[str, object]:
    """obp's estimators by our names, loaded past its ``__init__`` files."""
    for name, place in (("obp", root / "obp"), ("obp.ope", root / "obp" / "ope")):
        package = types.ModuleType(name)
        package.__path__ = [str(place)]
        sys.modules[name] = package
    found = importlib.import_module("obp.ope.estimators")
    return {
        "dm": found.DirectMethod(),
        "ips": found.InverseProbabilityWeighting(),
        "clipped_ips": found.InverseProbabilityWeighting(lambda_=SETTINGS.clip),
        "snips": found.SelfNormalizedInverseProbabilityWeighting(),
        "dr": found.DoublyRobust(),
        "sndr": found.SelfNormalizedDoublyRobust(),
        "switch_dr": found.SwitchDoublyRobust(lambda_=SETTINGS.switch),
        "dros": found.DoublyRobustWithShrinkage(lambda_=SETTINGS.shrink),
    }


def synthetic(n: int = 10_000, k: int = 10, seed: int = 0) -> tuple[Log, np.ndarray]:
    """Linear rewards and softmax policies over random contexts."""
    rng = np.random.default_rng(seed)
    x, want, do, other = rng.normal(size=(n, 5)), *(rng.normal(size=(5, k)) for _ in range(3))
    logging, target = (np.exp(x @ w * 0.5) / np.exp(x @ w * 0.5).sum(1, keepdims=True) for w in (do, other))
    chosen = (logging.cumsum(1) > rng.random((n, 1))).argmax(1)
    mean = 1 / (1 + np.exp(-(x @ want)[np.arange(n), chosen]))
    return made(chosen, logging[np.arange(n), chosen], (rng.random(n) < mean).astype(float), k, (x[:, 0] > 0).astype(np.int32)), target


def open_bandit(root: Path, policy: str, campaign: str) -> Log:
    """The sample's log of a policy; the position on the page is the segment."""
    frame = pd.read_csv(root / policy / campaign / f"{campaign}.csv", index_col=0)
    items = len(pd.read_csv(root / policy / campaign / "item_context.csv"))
    position = pd.factorize(frame["position"], sort=True)[0].astype(np.int32)
    return made(frame["item_id"].to_numpy(), frame["propensity_score"].to_numpy(), frame["click"].to_numpy(float), items, position)


def made(chosen: np.ndarray, propensity: np.ndarray, reward: np.ndarray, k: int, segment: np.ndarray) -> Log:
    """A log in which every action is always on offer."""
    n = len(chosen)
    return Log(
        ids=np.arange(n).astype(str), actions=tuple(map(str, range(k))), candidates=np.tile(np.arange(k, dtype=np.int32), (n, 1)),
        chosen=chosen.astype(np.int32), propensity=propensity, reward=reward, segments=tuple(map(str, range(segment.max() + 1))),
        segment=segment,
    )  # fmt: skip


def compare(name: str, log: Log, target: np.ndarray, theirs: dict[str, object]) -> float:
    """Largest difference to obp over the estimators."""
    q = cell_means(log)
    worst = 0.0
    for each, estimator in theirs.items():
        given = {
            "reward": log.reward, "action": log.chosen.astype(int), "position": np.zeros(len(log), int), "pscore": log.propensity,
            "action_dist": target[:, :, None], "estimated_rewards_by_reg_model": q[:, :, None],
        }  # fmt: skip
        ours, other = float(terms(each, log, target, q, SETTINGS).mean()), float(estimator.estimate_policy_value(**given))  # type: ignore[attr-defined]
        worst = max(worst, abs(ours - other))
        print(f"  {name:22s} {each:12s} {ours:.12f} {other:.12f} {abs(ours - other):.1e}")
    return worst


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obp", type=Path, required=True, help="where obp was installed")
    parser.add_argument("--open-bandit", type=Path, help="folder with random/ and bts/")
    given = parser.parse_args()
    theirs = estimators(given.obp)
    worst = [compare("synthetic", *synthetic(), theirs)]
    for campaign in ("men", "women") if given.open_bandit else ():
        log = open_bandit(given.open_bandit, "bts", campaign)
        uniform = np.full(log.candidates.shape, 1 / len(log.actions))
        worst.append(compare(f"open bandit, {campaign}", log, uniform, theirs))
        truth = interval(open_bandit(given.open_bandit, "random", campaign).reward)
        print(f"  {campaign}: random earned {truth.value:.5f} ({truth.low:.5f} to {truth.high:.5f}) in its own log; from the log of bts:")
        for each in ("ips", "snips", "dr", "dros"):
            found = interval(terms(each, log, uniform, cell_means(log), SETTINGS))
            print(f"    {each:6s} {found.value:.5f} ({found.low:.5f} to {found.high:.5f})")
    print(f"largest difference: {max(worst):.1e}")


if __name__ == "__main__":
    main()
