"""Which techniques should help in a situation: a small contrastive model over the graph of experience."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from gome_graph.records import Experience
from gome_kge.momentum.graph import GAINS, LOSES, RELATIONS, Situation, experience_graph, task_node
from gome_kge.scoring import scorer_of
from gome_kge.settings import Settings
from gome_kge.training.trainer import Trainer

SETTINGS = Settings(
    model="complex", rank=16, regularizer="dura", weight=0.05, batch=64, negatives=0, epochs=60, term="h", term_weight=0.5, anchors=64,
    precision="fp32",
)  # fmt: skip
"""The term ``h`` pulls tasks together that share a trait, a finding or an outcome."""
LEAST_EPOCHS, MOST_STEPS = 8, 300
"""A large graph is seen less often: recall stands between two steps of a run, and a second or two is what it may take."""
TECHNIQUE = "technique "


@contextmanager
def _one_thread() -> Iterator[None]:
    """The scripts of the traces need the other cores, and products this small gain nothing from them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def technique_scores(experiences: Iterable[Experience], here: Situation, seed: int, settings: Settings = SETTINGS) -> dict[str, float]:
    """Technique -> how much it should help here, in (-1, 1); 0 is the middle of all techniques, and empty means that nothing is known.

    The score is tanh of the standardised difference of two triple scores, (here, gains_from, technique) minus (here, loses_from,
    technique).
    """
    graph = experience_graph(experiences, here)
    own = graph.entities.index(task_node(here.task))
    if not np.isin(graph.train[:, 1], [RELATIONS.index(GAINS), RELATIONS.index(LOSES)]).any():
        return {}
    with _one_thread():
        trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, settings.model_copy(update={"seed": seed % 2**31}))
        epochs = min(settings.epochs, max(LEAST_EPOCHS, MOST_STEPS // len(trainer.batches)))
        while trainer.epoch < epochs:
            trainer.run_epoch()
        heads = np.array([own, own], dtype=np.int64)
        asked = np.array([RELATIONS.index(GAINS), RELATIONS.index(LOSES)], dtype=np.int64)
        gains, losses = scorer_of(trainer.model, trainer.tables)(heads, asked)
    at = [i for i, name in enumerate(graph.entities) if name.startswith(TECHNIQUE)]
    difference = (gains - losses)[at]
    spread = float(difference.std())
    if spread == 0.0:
        return {}
    value = np.tanh((difference - difference.mean()) / spread)
    return {graph.entities[i].removeprefix(TECHNIQUE): round(float(v), 4) for i, v in zip(at, value, strict=True)}
