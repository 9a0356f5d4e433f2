"""The Python API: scikit-learn's habits, folding in, calibration, the plot."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

from gome_graph.errors import TaskError
from gome_kge import LinkPredictor
from gome_kge.calibration import corrupted
from gome_kge.plot import plot

SETTINGS = {"model": "complex", "rank": 24, "regularizer": "n3", "weight": 0.003, "batch": 16, "negatives": 0, "epochs": 40}


def family(size: int = 24) -> list[tuple[str, str, str]]:
    steps = (("next", 1), ("previous", -1), ("second", 2), ("opposite", size // 2))
    return [(f"p{i}", relation, f"p{(i + step) % size}") for i in range(size) for relation, step in steps]


@pytest.fixture(scope="module")
def model() -> LinkPredictor:
    torch.set_num_threads(1)
    return LinkPredictor(settings=SETTINGS).fit(family())


def test_it_learns_scores_and_predicts(model: LinkPredictor) -> None:
    assert model.score() > 0.8
    assert model.predict([("p0", "next")], k=1, known=True)[0][0].entity == "p1"
    true, false = model.decision_function([("p0", "next", "p1"), ("p0", "next", "p9")])
    assert true > false


def test_probabilities_tell_true_from_false_on_test(model: LinkPredictor) -> None:
    graph = model.graph_
    named = [(graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in graph.test.tolist()]
    wrong = [(graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in corrupted(graph.test, graph, 5).tolist()]
    true, false = model.predict_proba(named)[:, 1], model.predict_proba(wrong)[:, 1]
    assert true.mean() > 0.7
    assert false.mean() < 0.3
    assert np.allclose(model.predict_proba(named).sum(1), 1)


def test_it_is_cloned_and_refuses_before_fit() -> None:
    other = clone(LinkPredictor(settings=SETTINGS, seed=3))
    assert other.get_params()["seed"] == 3
    with pytest.raises(TaskError, match="not fitted"):
        other.predict([("p0", "next")])


def test_a_new_entity_is_folded_in_and_the_old_ones_stay(model: LinkPredictor) -> None:
    from gome_kge.newcomers import fold_in

    before = model.predictor_.members[0].tables["entity"].clone()
    # A twin of p5: the same neighbours, so it should be followed by p6 and opposed to p17.
    grown = fold_in(model.predictor_, [("p4", "next", "twin"), ("twin", "second", "p7"), ("twin", "previous", "p4")])
    assert torch.equal(grown.members[0].tables["entity"][:-1], before)
    from gome_kge.ask import Asker

    found = [answer.entity for answer in Asker(grown).predict(head="twin", relation="next", k=3)]
    assert "p6" in found
    with pytest.raises(TaskError, match="nothing to fold in"):
        fold_in(model.predictor_, [("p0", "next", "p1")])
    with pytest.raises(TaskError, match="two new entities"):
        fold_in(model.predictor_, [("a", "next", "b")])


def test_the_plot_is_one_page(graph: object, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    from gome_kge.pipeline import train
    from gome_kge.settings import Settings

    train(graph, tmp_path / "out", settings=Settings(**{**SETTINGS, "epochs": 3}))  # type: ignore[arg-type]
    page = plot(tmp_path / "out", tmp_path / "page.html").read_text()
    assert "validation MRR" in page
