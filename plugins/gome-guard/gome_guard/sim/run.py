"""The whole benchmark: arms x seeds on one data set, reproducible from its seeds; pieces can be done apart and joined."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from gome_graph.records import Record
from gome_guard.records import content_id
from gome_guard.sim.arms import Arm, find_arm
from gome_guard.sim.datasets import TextSet, load_texts
from gome_guard.sim.loop import Loop, Tally, warm_up
from gome_guard.sim.summary import ArmSummary, summarise
from gome_guard.sim.world import WorldSettings, make_features, make_world


class Simulation(Record):
    """What `gome guard simulate` gives."""

    data: str
    texts: int
    labels: int
    dropped_labels: list[str]
    seeds: list[int]
    settings: WorldSettings
    arms: list[ArmSummary]
    hash: str
    """Of everything above: the same data, seeds and settings give the same hash on the same machine."""


Progress = Callable[[str], None]


def simulate(
    path: Path, *, seeds: Sequence[int], arms: Sequence[str], settings: WorldSettings | None = None, text: str | None = None,
    label: str | None = None, tell: Progress = lambda _: None,
) -> Simulation:  # fmt: skip
    """Run arms in worlds made from a text-classification set."""
    chosen = [find_arm(name) for name in arms]
    world = settings or WorldSettings()
    data = load_texts(path, text, label)
    tell(f"{len(data.texts)} texts with {len(set(data.labels))} labels; making features")
    tallies = run_seeds(data, seeds, chosen, world, tell)
    return fold(data, seeds, chosen, world, tallies)


def run_seeds(
    data: TextSet, seeds: Sequence[int], arms: Sequence[Arm], settings: WorldSettings, tell: Progress = lambda _: None
) -> dict[str, list[Tally]]:
    """Tallies by arm, one a seed. One thread and fixed seeds, so that the same call gives the same numbers."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        features = make_features(data)
        out: dict[str, list[Tally]] = {arm.name: [] for arm in arms}
        for seed in seeds:
            torch.manual_seed(seed)
            world = make_world(data, features, seed, settings)
            state = warm_up(world)
            for arm in arms:
                out[arm.name].append(Loop(world, state, arm).run())
                last = out[arm.name][-1]
                tell(f"seed {seed}, {arm.name}: value {sum(last.value) / len(last.value):.4f}")
        return out
    finally:
        torch.set_num_threads(threads)


def fold(data: TextSet, seeds: Sequence[int], arms: Sequence[Arm], settings: WorldSettings, tallies: dict[str, list[Tally]]) -> Simulation:
    """Tallies as the benchmark's result."""
    none = tallies.get("none")
    summaries = [summarise(arm.name, arm.what, tallies[arm.name], none if arm.name != "none" else None) for arm in arms]
    body: dict[str, Any] = {
        "data": data.name, "texts": len(data.texts), "labels": len(set(data.labels)), "dropped_labels": list(data.dropped),
        "seeds": list(seeds), "settings": settings, "arms": summaries,
    }  # fmt: skip
    plain = [s.model_dump(mode="json") for s in summaries]
    return Simulation(**body, hash=content_id(data.name, list(seeds), settings.model_dump(), plain))
