"""Ranks agree with the slowest honest way to compute them."""

import numpy as np
import pytest

from gome_kge.data import KnowledgeGraph
from gome_kge.evaluation import rank, report
from gome_kge.evaluation.ranking import Floats, NotANumber, known_index
from gome_kge.evaluation.report import cardinality, metrics


def random_graph(rng: np.random.Generator, entities: int = 30, relations: int = 4, triples: int = 260) -> KnowledgeGraph:
    flat = rng.choice(entities * relations * entities, triples, replace=False)
    found = np.stack([flat // (relations * entities), flat // entities % relations, flat % entities], axis=1)
    names = [f"e{i}" for i in range(entities)]
    return KnowledgeGraph(names, [f"r{i}" for i in range(relations)], found[:200], found[200:230], found[230:])


def brute_force(scores: np.ndarray, graph: KnowledgeGraph) -> tuple[list[list[int]], list[list[int]]]:
    """Optimistic and pessimistic ranks by looking at every entity; `scores` is (relations with inverses, E, E)."""
    known = {tuple(row) for row in graph.known.tolist()}
    best, worst = [], []
    for h, r, t in graph.test.tolist():
        sides = []
        for row, true, fact in (
            (scores[r, h], t, lambda e, h=h, r=r: (h, r, e)),
            (scores[r + graph.n_relations, t], h, lambda e, t=t, r=r: (e, r, t)),
        ):
            others = [row[e] for e in range(graph.n_entities) if e != true and fact(e) not in known]
            above = sum(value > row[true] for value in others)
            sides.append((above + 1, above + 1 + sum(value == row[true] for value in others)))
        best.append([side[0] for side in sides])
        worst.append([side[1] for side in sides])
    return best, worst


@pytest.mark.parametrize("levels", [3, 20, 10**6])
@pytest.mark.parametrize("chunk", [1, 500, 10**8])
def test_ranks_agree_with_brute_force_on_scores_with_ties(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, levels: int, chunk: int
) -> None:
    monkeypatch.setattr("gome_kge.evaluation.ranking.CHUNK_BYTES", chunk)
    graph = random_graph(rng)
    scores = rng.integers(levels, size=(2 * graph.n_relations, graph.n_entities, graph.n_entities)).astype(np.float32)

    def scorer(heads: np.ndarray, relations: np.ndarray) -> Floats:
        return scores[relations, heads].copy()

    ranks = rank(scorer, graph.test, known_index(graph.known, graph.n_relations), graph.n_entities, graph.n_relations)
    best, worst = brute_force(scores, graph)
    assert ranks.optimistic.tolist() == best
    assert ranks.pessimistic.tolist() == worst
    assert np.array_equal(ranks.realistic, (np.array(best) + np.array(worst)) / 2)


def test_a_constant_model_is_not_rewarded(rng: np.random.Generator) -> None:
    graph = random_graph(rng)
    known = known_index(graph.known, graph.n_relations)
    ranks = rank(lambda h, r: np.zeros((len(h), graph.n_entities), np.float32), graph.test, known, graph.n_entities, graph.n_relations)
    found = report(ranks, graph)
    assert found["by_rank_type"]["optimistic"]["mrr"] == 1.0
    assert found["mrr"] < 0.2
    assert found["ties"]["share_of_ranks"] == 1.0


def test_nan_is_refused(rng: np.random.Generator) -> None:
    graph = random_graph(rng)

    def scorer(heads: np.ndarray, relations: np.ndarray) -> Floats:
        scores = np.zeros((len(heads), graph.n_entities), np.float32)
        scores[-1, 3] = np.nan
        return scores

    with pytest.raises(NotANumber, match="NaN"):
        rank(scorer, graph.test, known_index(graph.known, graph.n_relations), graph.n_entities, graph.n_relations)


def test_metrics_of_known_ranks() -> None:
    found = metrics(np.array([[1.0, 2.0], [4.0, 20.0]]))
    assert found["mrr"] == pytest.approx((1 + 0.5 + 0.25 + 0.05) / 4)
    assert (found["hits@1"], found["hits@3"], found["hits@10"]) == (0.25, 0.5, 0.75)


def test_cardinality_follows_the_threshold() -> None:
    train = np.array([[0, 0, 1], [2, 0, 3], [0, 1, 1], [0, 1, 2], [1, 2, 0], [2, 2, 0], [0, 3, 1], [0, 3, 2], [1, 3, 1], [1, 3, 2]])
    assert cardinality(train, 5) == ["1-1", "1-N", "N-1", "N-N", "unseen"]


def test_parts_of_the_report_add_up(rng: np.random.Generator) -> None:
    graph = random_graph(rng)
    scores = rng.normal(size=(2 * graph.n_relations, graph.n_entities, graph.n_entities)).astype(np.float32)
    ranks = rank(
        lambda h, r: scores[r, h].copy(), graph.test, known_index(graph.known, graph.n_relations), graph.n_entities, graph.n_relations
    )
    found = report(ranks, graph)
    assert sum(row["triples"] for row in found["by_relation"]) == len(graph.test)
    weighed = sum(row["triples"] * row["mrr"] for row in found["by_relation"]) / len(graph.test)
    assert weighed == pytest.approx(found["mrr"], abs=1e-5)
    assert (found["by_side"]["tail"]["mrr"] + found["by_side"]["head"]["mrr"]) / 2 == pytest.approx(found["mrr"], abs=1e-5)
