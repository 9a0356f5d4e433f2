"""Vectors for entities that train never showed, from a few facts about them; the trained parameters stay as they are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from gome_graph.errors import TaskError
from gome_kge.ask import Asker
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.predictor import Predictor
from gome_kge.regularizers import penalty
from gome_kge.store import Embedding

STEPS, RATE = 200, 0.1


def fold_in(predictor: Predictor, facts: Sequence[tuple[str, str, str]], *, steps: int = STEPS, seed: int = 0) -> Predictor:
    """A predictor that also knows the new entities of `facts`.

    Each new vector minimises the training's own loss (1-N softmax and penalty, both directions) on its facts with everything else
    held fixed, by Adagrad. Facts join the train split of the new graph, so that they count as known.

    Raises
    ------
    TaskError
        If a fact has an unknown relation, or no entity that is new, or none that is known.
    """
    asker = Asker(predictor)
    graph = predictor.graph
    old = set(graph.entities)
    new = sorted({name for h, _, t in facts for name in (h, t)} - old)
    if not new:
        raise TaskError("None of the facts has a new entity, so there is nothing to fold in.")
    for h, r, t in facts:
        asker.relation(r)
        if h not in old and t not in old:
            raise TaskError(f"The fact ({h}, {r}, {t}) has two new entities; at least one must be known.")
    ids = {name: i for i, name in enumerate([*graph.entities, *new])}
    triples = np.array([(ids[h], graph.relations.index(r), ids[t]) for h, r, t in facts], dtype=np.int64)
    members = [_folded(member, triples, graph, len(new), steps, seed) for member in predictor.members]
    grown = replace(graph, entities=[*graph.entities, *new], train=np.concatenate([graph.train, triples]))
    return Predictor(grown, members, predictor.weights)


def _folded(member: Embedding, triples: np.ndarray, graph: KnowledgeGraph, n_new: int, steps: int, seed: int) -> Embedding:
    """The member with `n_new` more rows."""
    table, relations = member.tables["entity"], member.tables["relation"]
    settings, model = member.settings, member.model
    generator = torch.Generator().manual_seed(seed)
    scale = table.std() * 0.1
    rows = (torch.randn(n_new, table.shape[1], generator=generator) * scale).requires_grad_()
    inverse = np.stack([triples[:, 2], triples[:, 1] + graph.n_relations, triples[:, 0]], axis=1)
    asked = np.concatenate([triples, inverse])
    asked = asked[np.argsort(asked[:, 1], kind="stable")]
    h, r, t = (torch.from_numpy(asked[:, i].copy()) for i in range(3))
    count = torch.ones(len(h))
    optimizer = torch.optim.Adagrad([rows], lr=RATE)
    for _ in range(steps):
        optimizer.zero_grad()
        whole = torch.cat([table, rows])
        heads, tails = whole[h], whole[t]
        queries = model.query(heads, relations, r)
        loss = torch.nn.functional.cross_entropy(queries @ model.key(whole).T, t)
        loss = loss + settings.weight * penalty(settings.regularizer, model, heads, queries, count, tails, r, relations, r) / len(h)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return Embedding(settings, {**member.tables, "entity": torch.cat([table, rows.detach()])}, member.valid_mrr)
