"""Scores, losses, penalties and their gradients against formulas written out."""

import numpy as np
import pytest
import torch

from gome_kge.contrastive import ContrastiveTerm, contrastive_loss
from gome_kge.data import KnowledgeGraph
from gome_kge.data.graph import with_inverses
from gome_kge.models import MODELS, make_model
from gome_kge.scoring import scorer_of
from gome_kge.settings import Settings
from gome_kge.training.batches import Batches
from gome_kge.training.step import entity_gradient, leaves, losses

NAMES = sorted(MODELS)


def score(name: str, h: torch.Tensor, r: torch.Tensor, t: torch.Tensor, rank: int) -> torch.Tensor:
    """The textbook score of one triple."""
    if name == "rescal":
        return h @ r.view(rank, rank) @ t
    if name == "distmult":
        return (h * r * t).sum()
    if name == "cp":
        return (h[:rank] * r * t[rank:]).sum()
    hc, rc, tc = (torch.complex(x[:rank], x[rank:]) for x in (h, r, t))
    return (hc * rc * tc.conj()).sum().real


def penalty_of(name: str, kind: str, h: torch.Tensor, r: torch.Tensor, t: torch.Tensor, rank: int) -> torch.Tensor:
    """The textbook penalty of one triple."""
    if name == "cp":
        h, t = h[:rank], t[rank:]
    if name == "complex":
        h, r, t = (torch.complex(x[:rank], x[rank:]) for x in (h, r, t))
    size = lambda x: x.abs()  # noqa: E731
    if kind == "f2":
        return sum((size(x) ** 2).sum() for x in (h, r, t))
    if kind == "n3":
        return sum((size(x) ** 3).sum() for x in (h, r, t))
    if name == "rescal":
        m = r.view(rank, rank)
        return (h**2).sum() + (t**2).sum() + ((h @ m) ** 2).sum() + ((m @ t) ** 2).sum()
    plain = (size(h) ** 2).sum() + (size(t) ** 2).sum()
    return 0.5 * plain + 1.5 * ((size(h * r) ** 2).sum() + (size(t * r) ** 2).sum())


def one_batch(graph: KnowledgeGraph, settings: Settings) -> tuple[Batches, object]:
    batches = Batches(graph.train, graph.n_entities, graph.n_relations, settings)
    return batches, batches.make(np.arange(0, len(batches.index), 3), np.random.default_rng(1))


@pytest.mark.parametrize("name", NAMES)
def test_query_key_back_and_relation_scores_are_one_score(name: str) -> None:
    rank = 5
    model = make_model(name, rank)
    tables = model.initial(7, 4, 1.0, 0)
    heads, kinds, tails = torch.tensor([0, 3, 6, 2]), torch.tensor([1, 1, 2, 3]), torch.tensor([5, 3, 0, 1])
    h, t = tables["entity"][heads], tables["entity"][tails]
    truth = torch.stack([score(name, *x, rank) for x in zip(h, tables["relation"][kinds], t, strict=True)])
    assert torch.allclose((model.query(h, tables["relation"], kinds) * model.key(t)).sum(1), truth, atol=1e-5)
    assert torch.allclose((model.back(t, tables["relation"], kinds) * model.as_head(h)).sum(1), truth, atol=1e-5)
    assert torch.allclose(model.relation_scores(h, t, tables["relation"])[torch.arange(4), kinds], truth, atol=1e-5)
    rows = scorer_of(model, tables)(heads.numpy()[::-1].copy(), kinds.numpy()[::-1].copy())
    assert np.allclose(rows[::-1][np.arange(4), tails.numpy()], truth.numpy(), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["dura", "f2", "n3", "none"])
@pytest.mark.parametrize("prediction", [0.0, 0.7])
def test_a_step_has_the_loss_and_gradient_of_the_formulas(graph: KnowledgeGraph, name: str, kind: str, prediction: float) -> None:
    if (name, kind) == ("rescal", "n3"):
        with pytest.raises(ValueError, match="not defined for rescal"):
            Settings(model="rescal", regularizer="n3")
        return
    settings = Settings(
        model=name, rank=4, regularizer=kind, weight=0.3, negatives=0, precision="fp32", relation_prediction=prediction, class_weights=True
    )
    batches, batch = one_batch(graph, settings)
    model = make_model(name, 4)
    tables = model.initial(graph.n_entities, 2 * graph.n_relations, 1.0, 0)
    rows = leaves(tables, batch, None, batch.relations, None)
    total = sum(losses(model, settings, rows, batch))
    total.backward()
    grad_entity = entity_gradient(rows, batch, None)
    grad_relation = torch.zeros_like(tables["relation"]).index_add_(0, batch.relations, rows.relation.grad)

    entity, relation = tables["entity"].clone().requires_grad_(), tables["relation"].clone().requires_grad_()
    fit = cost = guess = weights = 0.0
    count = 0
    for row, t in zip(batch.row.tolist(), batch.tail_ids.tolist(), strict=True):
        h, r = int(batch.head_ids[row]), int(batch.relation_ids[row])
        scores = torch.stack([score(name, entity[h], relation[r], entity[e], 4) for e in range(graph.n_entities)])
        w = float(batches.tail_weight[t])
        fit = fit + w * (torch.logsumexp(scores, 0) - scores[t])
        weights += w
        if kind != "none":
            cost = cost + penalty_of(name, kind, entity[h], relation[r], entity[t], 4)
        kinds = torch.stack([score(name, entity[h], relation[k], entity[t], 4) for k in range(2 * graph.n_relations)])
        guess = guess + torch.logsumexp(kinds, 0) - kinds[r]
        count += 1
    truth = fit / weights + 0.3 * cost / count + prediction * guess / count
    truth.backward()
    assert total.item() == pytest.approx(truth.item(), rel=1e-4)
    assert torch.allclose(grad_entity, entity.grad, atol=1e-4)
    assert torch.allclose(grad_relation, relation.grad, atol=1e-4)


def test_bf16_stays_close_to_fp32(graph: KnowledgeGraph) -> None:
    found = {}
    for precision in ("fp32", "bf16"):
        settings = Settings(model="complex", rank=32, negatives=0, precision=precision)
        _, batch = one_batch(graph, settings)
        model = make_model("complex", 32)
        tables = model.initial(graph.n_entities, 2 * graph.n_relations, 0.4, 0)
        rows = leaves(tables, batch, None, batch.relations, None)
        sum(losses(model, settings, rows, batch)).backward()
        found[precision] = entity_gradient(rows, batch, None)
    assert torch.nn.functional.cosine_similarity(found["fp32"].ravel(), found["bf16"].ravel(), dim=0) > 0.9995


def test_shared_negatives_estimate_the_full_loss(graph: KnowledgeGraph) -> None:
    full = Settings(model="distmult", rank=6, negatives=0, weight=0.0, precision="fp32")
    model = make_model("distmult", 6)
    tables = model.initial(graph.n_entities, 2 * graph.n_relations, 0.5, 0)
    batches = Batches(graph.train, graph.n_entities, graph.n_relations, full)
    questions = np.arange(3)
    batch = batches.make(questions, np.random.default_rng(0))
    truth = losses(model, full, leaves(tables, batch, None, batch.relations, None), batch)[0].item()
    few = Batches(graph.train, graph.n_entities, graph.n_relations, full.model_copy(update={"negatives": 12}))
    values = []
    for seed in range(300):
        batch = few.make(questions, np.random.default_rng(seed))
        assert batch.entities is not None
        values.append(losses(model, full, leaves(tables, batch, batch.entities, batch.relations, None), batch)[0].item())
    assert np.mean(values) == pytest.approx(truth, rel=0.03)


def test_the_contrastive_formulas_are_those_of_the_page(rng: np.random.Generator) -> None:
    z = torch.from_numpy(rng.normal(size=(8, 5)).astype(np.float32))
    label = torch.tensor([0, 1, 2, 0, 0, 1, 2, 3])
    false = torch.zeros(8, 8, dtype=torch.bool)
    false[0, 1] = false[2, 0] = True
    unit = z / z.norm(dim=1, keepdim=True)
    s = unit @ unit.T / 0.5
    published, corrected = [], []
    for i in range(8):
        same = [j for j in range(8) if j != i and label[j] == label[i]]
        rest = [j for j in range(8) if label[j] != label[i]]
        if not same:
            continue
        published.append((-sum(s[i, j] for j in same) + torch.stack([s[i, j] for j in rest]).exp().sum().log()) / len(same))
        norm = torch.stack([s[i, j] for j in same + [j for j in rest if not false[i, j]]]).exp().sum()
        corrected.append(-sum((s[i, j].exp() / norm).log() for j in same) / len(same))
    assert contrastive_loss(z, label, false, 0.5, "published").item() == pytest.approx(float(sum(published)) / len(published), rel=1e-4)
    assert contrastive_loss(z, label, false, 0.5, "corrected").item() == pytest.approx(float(sum(corrected)) / len(corrected), rel=1e-4)


@pytest.mark.parametrize("term", ["hr", "tr", "h", "t"])
def test_positives_are_known_and_false_negatives_are_found(graph: KnowledgeGraph, term: str) -> None:
    settings = Settings(model="rescal", rank=4, term=term, anchors=40, negatives=0)
    batches, batch = one_batch(graph, settings)
    drawn_by = ContrastiveTerm(settings, batches)
    entities, kinds = drawn_by.wanted(batch, np.random.default_rng(2))
    known = {tuple(row) for row in with_inverses(graph.train, graph.n_relations).tolist()}
    drawn = drawn_by.drawn
    assert drawn is not None
    keys = batches.index.keys

    def holds(i: int, j: int) -> bool:
        """Is row j a true partner of i's label?"""
        if term == "hr":
            return (int(entities[j]), int(kinds[j]), int(drawn.label[i])) in known
        if term == "tr":
            return (int(drawn.label[i]), int(kinds[j]), int(entities[j])) in known
        asked = int(keys[drawn.label[i]])
        first, second = divmod(asked, batches.n_relations)
        return (first, second, int(entities[j])) in known

    n = len(entities)
    assert n == 80
    for i in range(n):
        assert holds(i, i)
        for j in range(0, n, 7):
            assert drawn.false_negative[i, j] == holds(i, j)
