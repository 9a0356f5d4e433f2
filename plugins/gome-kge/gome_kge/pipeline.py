"""The whole job of `gome kge train`: try recipes, train the best, choose on validation, measure on test once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gome_graph.errors import RunError
from gome_graph.support.files import read_json, write_json
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.evaluation.ranking import known_index, rank
from gome_kge.evaluation.report import report
from gome_kge.predictor import Predictor
from gome_kge.recipes import candidates
from gome_kge.settings import Settings
from gome_kge.store import Embedding
from gome_kge.training.trainer import Diverged, Trainer, Validate
from gome_kge.validation import validator

TRIALS_SHARE = 0.3
"""Of the time, for finding the recipe."""
RESERVE_SHARE, RESERVE_SECONDS = 0.1, 4.0
"""Of the time, at least so much (but never more than half), for evaluation and saving."""
PLAN = "plan.json"

Told = Callable[[str], None]


@dataclass
class Outcome:
    """A finished training."""

    predictor: Predictor
    metrics: dict[str, Any]


def train_fixed(
    graph: KnowledgeGraph, settings: Settings, folder: Path, *, seconds: float | None, resume: bool, told: Told, save_seconds: float = 60.0
) -> Embedding:
    """One training with given settings, early stopping on validation, checkpoints in `folder`."""
    trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, settings)
    if resume and trainer.resume(folder):
        told(f"going on after epoch {trainer.epoch}")
    trainer.fit(
        validator(graph, settings.valid_sample),
        seconds=seconds,
        folder=folder,
        told=lambda t: told(line(t, seconds)),
        save_seconds=save_seconds,
    )
    return Embedding(settings, trainer.chosen, trainer.history.best)


def line(trainer: Trainer, seconds: float | None = None) -> str:
    """One line about where a training stands, with an estimate of what is left."""
    last = trainer.history.epochs[-1]
    text = f"epoch {trainer.epoch}, loss {last['loss']:.3f}"
    if trainer.history.looks:
        text += f", validation MRR {trainer.history.looks[-1]['mrr']:.4f} (best {trainer.history.best:.4f})"
    left = (trainer.settings.epochs - trainer.epoch) * trainer.cpu_seconds / max(1, len(trainer.history.epochs))
    return f"{text}, at most {left if seconds is None else min(left, seconds):.0f} s to go"


def _usable(seconds: float) -> float:
    """What training may take of the whole time."""
    return seconds - min(seconds / 2, max(RESERVE_SECONDS, seconds * RESERVE_SHARE))


def choose(graph: KnowledgeGraph, tried: list[Settings], seconds: float, told: Told) -> Trainer:
    """Successive halving by time: all recipes get the same seconds, the better half goes on from where it stands.

    Each rung costs the same in all; validation alone decides.
    """
    validate = validator(graph, tried[0].valid_sample)
    field = [Trainer(graph.train, graph.n_entities, graph.n_relations, settings) for settings in tried]
    rungs = max(1, (len(field) - 1).bit_length())
    while len(field) > 1:
        slot = seconds / rungs / len(field)
        scores = []
        for trainer in field:
            scores.append((_slot(trainer, slot, validate), trainer))
            name = _name(trainer.settings)
            told(f"trying {name}: validation MRR {scores[-1][0]:.4f} after {trainer.epoch} epochs")
        scores.sort(key=lambda pair: -pair[0])
        field = [trainer for _, trainer in scores[: (len(scores) + 1) // 2]]
    return field[0]


def _slot(trainer: Trainer, seconds: float, validate: Validate) -> float:
    """Train for `seconds` more, and look; a recipe that diverges is worth nothing."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline and trainer.stale < trainer.settings.patience:
            complete = trainer.run_epoch(lambda: time.monotonic() > deadline)
            if complete and trainer.epoch % trainer.settings.valid_every == 0:
                trainer.look(validate)
        trainer.look(validate)
    except Diverged:
        return -1.0
    return trainer.history.best


def _name(settings: Settings) -> str:
    text = f"{settings.model} {settings.rank}, {settings.regularizer} {settings.weight:g}"
    return text + (f", relation prediction {settings.relation_prediction:g}" if settings.relation_prediction else "")


def train(
    graph: KnowledgeGraph,
    folder: Path,
    *,
    settings: Settings | None = None,
    seconds: float | None = None,
    seed: int = 0,
    resume: bool = False,
    told: Told = lambda text: None,
    save_seconds: float = 60.0,
) -> Outcome:
    """Train, choose on validation, evaluate on test once, and write everything to `folder`.

    Without `settings`, recipes are tried for a part of `seconds` and the best one is trained for the rest.

    Raises
    ------
    RunError
        If the folder holds another training.
    """
    began = time.monotonic()
    plan_path = folder / PLAN
    spent = 0.0
    if plan_path.is_file():
        if not resume:
            raise RunError(f"{folder} holds a training already; add --resume to go on with it, or name another --out.")
        plan = read_json(plan_path)
        if plan["graph"] != graph.facts():
            raise RunError(f"{folder} holds a training on other data ({plan['graph']['name']}); name another --out.")
        settings = Settings(**plan["settings"]) if plan["settings"] else settings
        seed, spent = plan["seed"], plan["spent"]
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(plan_path, {"graph": graph.facts(), "settings": settings and settings.model_dump(), "seed": seed, "spent": 0.0})
    limit = None if seconds is None else max(1.0, _usable(seconds) - spent)
    if settings is None:
        whole = 600.0 if seconds is None else seconds
        chosen = choose(graph, candidates(graph, whole, seed), whole * TRIALS_SHARE, told)
        settings = chosen.settings
        chosen.save(folder)
        spent = time.monotonic() - began
        write_json(plan_path, {"graph": graph.facts(), "settings": settings.model_dump(), "seed": seed, "spent": round(spent, 1)})
        told(f"training {_name(settings)}")
        limit, resume = max(1.0, _usable(whole) - spent), True
    embedding = train_fixed(graph, settings, folder, seconds=limit, resume=resume, told=told, save_seconds=save_seconds)
    predictor = Predictor(graph, [embedding], [1.0])
    told("evaluating on test")
    metrics = evaluate(predictor)
    metrics["valid_mrr"] = embedding.valid_mrr
    metrics["settings"] = settings.model_dump()
    metrics["data"] = {**graph.facts(), "notes": list(graph.notes)}
    metrics["seconds"] = round(time.monotonic() - began + (spent if resume else 0.0), 1)
    metrics["threads"] = torch.get_num_threads()
    predictor.save(folder)
    write_json(folder / "metrics.json", metrics)
    return Outcome(predictor, metrics)


def evaluate(predictor: Predictor, split: str = "test", told: Callable[[float], None] | None = None) -> dict[str, Any]:
    """The report of a split, filtered by all known triples."""
    graph = predictor.graph
    ranks = rank(
        predictor.scorer, graph.split(split), known_index(graph.known, graph.n_relations), graph.n_entities, graph.n_relations, told
    )
    return report(ranks, graph)
