"""Two processes learn what one learns; a lost process is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gome_kge.data import load_graph
from gome_kge.settings import Settings
from gome_kge.store import Embedding
from gome_kge.training.batches import Batches
from gome_kge.training.parallel import Group, ProcessLost, joined, local_group
from gome_kge.training.trainer import Trainer

CHANGES = {
    "model": "complex", "rank": 16, "regularizer": "dura", "weight": 0.03, "batch": 15, "negatives": 12, "epochs": 8, "precision": "fp32",
    "relation_prediction": 0.5, "term": "hr", "term_weight": 0.2, "anchors": 16, "accumulate": 2, "class_weights": True, "valid_every": 4,
}  # fmt: skip


def command(folder: Path, out: Path, *more: str) -> list[str]:
    changes = [f"--set={name}={json.dumps(value)}" for name, value in CHANGES.items()]
    return [sys.executable, "-m", "gome_graph.cli", "kge", "train", "--data", str(folder), "--out", str(out), "--json", *changes, *more]


def test_two_processes_learn_what_one_learns(folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    graph = load_graph(folder)
    alone = Trainer(graph.train, graph.n_entities, graph.n_relations, Settings(**CHANGES)).fit()
    asked = command(folder, tmp_path / "out", "--processes", "2", "--threads", "1")
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["threads"] == 1
    together = Embedding.load(tmp_path / "out" / "model-0.safetensors")
    trained = alone.tables["entity"]
    assert float(trained.abs().max()) > 0.1, "nothing was learnt, so equality says nothing"
    assert torch.allclose(together.tables["entity"], trained, rtol=1e-3, atol=1e-4)


def test_the_shares_of_a_batch_are_the_batch(folder: Path) -> None:
    graph = load_graph(folder)
    batches = Batches(graph.train, graph.n_entities, graph.n_relations, Settings(**CHANGES))
    batch, _ = next(batches.epoch(0))
    shares = [Group(rank, 4).share(batch) for rank in range(4)]
    assert torch.equal(torch.cat([share.head for share in shares]), batch.head)
    assert torch.equal(torch.cat([share.column for share in shares]), batch.column)
    for share in shares:
        assert int(share.count.sum()) == len(share.row) == len(share.tail_ids)
        assert (int(share.row.min()), int(share.row.max())) == (0, len(share.head) - 1)


def test_more_processes_than_questions_leave_some_without_work(folder: Path) -> None:
    graph = load_graph(folder)
    settings = Settings(**{**CHANGES, "term": "none"})
    batch, _ = next(Batches(graph.train, graph.n_entities, graph.n_relations, settings).epoch(0))
    shares = [Group(rank, len(batch.head) + 1).share(batch) for rank in range(len(batch.head) + 1)]
    idle = next(share for share in shares if not len(share.head))

    class Idle(Group):
        def share(self, batch: object) -> object:  # type: ignore[override]
            return idle

        def add(self, tensor: torch.Tensor) -> torch.Tensor:
            return tensor

    trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, settings, Idle(0, 2))
    assert trainer.step(*next(trainer.batches.epoch(0))) == (0.0, 0.0, 0.0)


def test_a_lost_process_is_named() -> None:
    dies = "import torch\nfrom gome_kge.training.parallel import joined\nimport os\nwith joined() as group: os._exit(3)"

    def train() -> None:
        with local_group(2, [sys.executable, "-c", dies]), joined() as group:
            assert (group.rank, group.size) == (0, 2)
            for _ in range(3):
                group.add(torch.zeros(1))

    with pytest.raises(ProcessLost, match="ended or cannot be reached"):
        train()
    assert "RANK" not in os.environ


def test_a_recipe_is_sought_by_one_process(folder: Path, tmp_path: Path) -> None:
    asked = ["kge", "train", "--data", str(folder), "--out", str(tmp_path / "out"), "--processes", "2"]
    done = subprocess.run([sys.executable, "-m", "gome_graph.cli", *asked], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "name them with --config or --set" in done.stderr
    assert not (tmp_path / "out").exists()
