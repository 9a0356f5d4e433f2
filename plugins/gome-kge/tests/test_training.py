"""A training learns, repeats itself, and survives being killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from gome_kge.data import KnowledgeGraph, load_graph
from gome_kge.pipeline import evaluate, train
from gome_kge.predictor import Predictor
from gome_kge.settings import Settings
from gome_kge.training.trainer import Diverged, Trainer

RING = {
    "model": "complex",
    "rank": 32,
    "regularizer": "n3",
    "weight": 0.003,
    "batch": 16,
    "negatives": 0,
    "epochs": 60,
    "valid_every": 10,
    "patience": 100,
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    "change",
    [{}, {"model": "rescal", "rank": 16, "regularizer": "dura", "weight": 0.03, "epochs": 100}, {"negatives": 12},
     {"optimizer": "adamw", "lr": 0.02}, {"accumulate": 2}, {"relation_prediction": 0.5}, {"term": "hr", "term_weight": 0.2, "anchors": 16},
     {"term": "t", "term_weight": 0.2, "anchors": 16, "term_variant": "published"}, {"precision": "fp32"}],
    ids=["complex", "rescal", "negatives", "adamw", "accumulate", "relation_prediction", "hr", "t_published", "fp32"],
)  # fmt: skip
def test_a_ring_is_learnt_in_seconds(graph: KnowledgeGraph, tmp_path: Path, change: dict[str, object]) -> None:
    outcome = train(graph, tmp_path / "out", settings=Settings(**{**RING, **change}))
    assert outcome.metrics["mrr"] > 0.9, outcome.metrics["mrr"]


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(graph: KnowledgeGraph) -> None:
    def learnt(seed: int) -> torch.Tensor:
        trainer = Trainer(
            graph.train, graph.n_entities, graph.n_relations, Settings(**{**RING, "epochs": 3, "seed": seed, "negatives": 10})
        )
        return trainer.fit().tables["entity"]

    assert torch.equal(learnt(1), learnt(1))
    assert not torch.equal(learnt(1), learnt(2))


def test_a_saved_predictor_scores_like_the_one_trained(graph: KnowledgeGraph, tmp_path: Path) -> None:
    outcome = train(graph, tmp_path / "out", settings=Settings(**{**RING, "epochs": 20}))
    again = evaluate(Predictor.load(tmp_path / "out"))
    assert {name: outcome.metrics[name] for name in again} == again


def test_an_interrupted_training_ends_where_the_uninterrupted_one_does(graph: KnowledgeGraph, tmp_path: Path) -> None:
    settings = Settings(**{**RING, "epochs": 12, "term": "hr", "anchors": 16, "negatives": 10})
    whole = Trainer(graph.train, graph.n_entities, graph.n_relations, settings).fit()
    first = Trainer(graph.train, graph.n_entities, graph.n_relations, settings.model_copy(update={"epochs": 5})).fit(folder=tmp_path)
    second = Trainer(graph.train, graph.n_entities, graph.n_relations, settings)
    assert second.resume(tmp_path)
    assert (first.epoch, second.epoch) == (5, 5)
    second.fit()
    assert all(torch.equal(whole.tables[name], second.tables[name]) for name in whole.tables)


def test_a_checkpoint_of_other_settings_is_not_taken_up(graph: KnowledgeGraph, tmp_path: Path) -> None:
    settings = Settings(**{**RING, "epochs": 1})
    Trainer(graph.train, graph.n_entities, graph.n_relations, settings).fit(folder=tmp_path)
    other = Trainer(graph.train, graph.n_entities, graph.n_relations, settings.model_copy(update={"rank": 8}))
    assert not other.resume(tmp_path)


def test_a_killed_process_resumes_to_the_same_metrics(folder: Path, tmp_path: Path) -> None:
    graph = load_graph(folder)
    settings = Settings(**{**RING, "epochs": 60})
    truth = train(graph, tmp_path / "whole", settings=settings).metrics
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from gome_kge.data import load_graph\nfrom gome_kge.pipeline import train\n"
        "from gome_kge.settings import Settings\nfrom pathlib import Path\n"
        f"train(load_graph({str(folder)!r}), Path(sys.argv[1]), settings=Settings(**{settings.model_dump()!r}), resume=True,\n"
        "      save_seconds=0.0, told=lambda text: print(text, flush=True))\n"
    )
    out = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stdout is not None
    for text in process.stdout:
        if text.startswith("epoch 2"):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (out / "checkpoint.safetensors").is_file()
    assert not (out / "predictor.json").exists()
    again = train(graph, out, settings=settings, resume=True).metrics
    assert [again[name] for name in ("mrr", "hits@1", "hits@10", "valid_mrr")] == [
        truth[name] for name in ("mrr", "hits@1", "hits@10", "valid_mrr")
    ]


def test_the_time_limit_holds(graph: KnowledgeGraph, tmp_path: Path) -> None:
    began = time.monotonic()
    train(graph, tmp_path / "out", settings=Settings(**{**RING, "epochs": 10**6}), seconds=2.0)
    assert time.monotonic() - began < 10


def test_a_diverging_loss_is_named(graph: KnowledgeGraph) -> None:
    trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, Settings(**RING))
    trainer.tables["entity"][0] = np.nan
    with pytest.raises(Diverged, match="smaller learning rate"):
        trainer.fit()


def test_the_curves_can_be_read_by_tensorboard(graph: KnowledgeGraph, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = Settings(**{**RING, "epochs": 20})
    train(graph, tmp_path / "out", settings=settings, log=tmp_path / "log")
    events = EventAccumulator(str(tmp_path / "log" / "member-0")).Reload()
    losses = events.Scalars("loss/cross-entropy")
    assert [event.step for event in losses] == list(range(1, 21))
    assert losses[-1].value < losses[0].value
    assert [event.step for event in events.Scalars("validation/MRR")] == [10, 20]
    assert max(event.value for event in events.Scalars("validation/MRR")) <= 1
