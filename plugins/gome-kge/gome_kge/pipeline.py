"""The whole job of `gome kge train`: try recipes, train the best, choose on validation, measure on test once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from gome_graph.errors import RunError
from gome_graph.support.files import read_json, write_json
from gome_kge.combine import choose_weights
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.evaluation.ranking import known_index, rank
from gome_kge.evaluation.report import report
from gome_kge.members import Clock, More, queue, train_members
from gome_kge.predictor import Predictor
from gome_kge.progress import Told, after_epoch, name_of
from gome_kge.recipes import candidates
from gome_kge.rules import mine
from gome_kge.settings import Settings
from gome_kge.store import Embedding
from gome_kge.training.curves import curves
from gome_kge.training.parallel import ALONE, Group
from gome_kge.training.trainer import Trainer
from gome_kge.trials import MOST_WORKERS, choose
from gome_kge.validation import validator

TRIALS_SHARE = 0.25
"""Of the time, for finding the recipe."""
DEFAULT_SECONDS = 600.0
"""Of a training for which neither time nor settings are given."""
PLAN = "plan.json"


@dataclass
class Outcome:
    """A finished training."""

    predictor: Predictor
    metrics: dict[str, Any]


def train_fixed(
    graph: KnowledgeGraph,
    settings: Settings,
    folder: Path,
    *,
    seconds: float | None,
    resume: bool,
    told: Told = lambda text: None,
    save_seconds: float = 60.0,
    group: Group = ALONE,
    log: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Embedding:
    """One training with given settings, early stopping on validation, checkpoints in `folder`; every process of a `group` calls it."""
    trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, settings, group)
    if resume and trainer.resume(folder):
        told(f"going on after epoch {trainer.epoch}")
    with curves(log) as draw:
        until = None if seconds is None else time.monotonic() + seconds
        after = partial(after_epoch, until=until, told=told, draw=draw)
        trainer.fit(
            validator(graph, settings.valid_sample), seconds=seconds, folder=folder, told=after, save_seconds=save_seconds, stop=stop
        )
    return Embedding(settings, trainer.chosen, trainer.history.best)


def train(
    graph: KnowledgeGraph,
    folder: Path | str,
    *,
    settings: Settings | None = None,
    seconds: float | None = None,
    seed: int = 0,
    rules: bool | None = None,
    resume: bool = False,
    told: Told = lambda text: None,
    save_seconds: float = 60.0,
    group: Group = ALONE,
    log: Path | None = None,
) -> Outcome:
    """Train, choose on validation, evaluate on test once, and write everything to `folder`.

    Without `settings`, recipes are tried for a part of `seconds`, the best one is trained, further ones as long as there is time, and
    validation decides how they and mined rules are combined. With `settings` there is one model, and rules only if `rules` is True.
    The first process of a `group`, which needs settings, calls this, the others `train_fixed`. TensorBoard events of each member go into a
    folder of its own in `log`.

    Raises
    ------
    RunError
        If the folder holds another training.
    """
    folder = Path(folder)
    plan = _plan(graph, folder, settings, seed, resume)
    found = settings is None
    settings = Settings(**plan["settings"]) if plan["settings"] else settings
    seed = plan["seed"]
    clock = Clock(time.monotonic(), plan["spent"], (seconds or DEFAULT_SECONDS) if found else seconds)
    others: list[Settings] = [Settings(**item) for item in plan["others"]]
    runner_up: Trainer | None = None
    workers = min(MOST_WORKERS, torch.get_num_threads()) if found else 1
    if settings is None:
        whole = clock.whole or DEFAULT_SECONDS
        field = choose(graph, candidates(graph, whole * torch.get_num_threads(), seed), TRIALS_SHARE * whole, told, workers)
        settings, others = field[0].settings, [trainer.settings for trainer in field[1:]]
        field[0].save(folder)
        runner_up = field[1] if len(field) > 1 else None
        del field
        plan.update(settings=settings.model_dump(), others=[item.model_dump() for item in others], spent=round(clock.spent, 1))
        write_json(folder / PLAN, plan)
        resume = True
    use_rules = found if rules is None else rules
    told(f"training {name_of(settings)}")
    limit = clock.left(rules=use_rules)
    train_first = partial(
        train_fixed, graph, settings, folder, seconds=limit, resume=resume, told=told, save_seconds=save_seconds, group=group,
        log=log and log / "member-0",
    )  # fmt: skip
    if not found:
        members = [train_first()]
    else:
        members = train_members(train_first, queue(settings, others), More(graph, runner_up, clock, told, log), workers)
    predictor, valid = _combined(graph, members, use_rules, clock, seed, told)
    told("evaluating on test")
    metrics = evaluate(predictor)
    metrics["valid_mrr"] = members[0].valid_mrr if valid is None else valid
    metrics["members"] = [
        {"settings": member.settings.model_dump(), "valid_mrr": member.valid_mrr, "weight": weight}
        for member, weight in zip(predictor.members, predictor.weights, strict=True)
    ]
    metrics["rules"] = {"number": len(predictor.rules.rules) if predictor.rules else 0, "weight": predictor.rule_weight}
    metrics["data"] = {**graph.facts(), "notes": list(graph.notes)}
    metrics["seconds"] = round(clock.spent, 1)
    metrics["threads"] = torch.get_num_threads()
    write_json(folder / "metrics.json", metrics)
    predictor.save(folder)
    return Outcome(predictor, metrics)


def _plan(graph: KnowledgeGraph, folder: Path, settings: Settings | None, seed: int, resume: bool) -> dict[str, Any]:
    """What an earlier, unfinished training in the folder had decided, or a new plan."""
    path = folder / PLAN
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        plan: dict[str, Any] = {
            "graph": graph.facts(), "settings": settings and settings.model_dump(), "others": [], "seed": seed, "spent": 0.0,
        }  # fmt: skip
        write_json(path, plan)
        return plan
    if not resume:
        raise RunError(f"{folder} holds a training already; add --resume to go on with it, or name another --out.")
    plan = read_json(path)
    if plan["graph"] != graph.facts():
        raise RunError(f"{folder} holds a training on other data ({plan['graph']['name']}); name another --out.")
    if settings is not None and plan["settings"] is not None and plan["settings"] != settings.model_dump():
        raise RunError(f"{folder} holds a training with other settings; leave --config and --set out, or name another --out.")
    return plan


def _combined(
    graph: KnowledgeGraph, members: list[Embedding], use_rules: bool, clock: Clock, seed: int, told: Told
) -> tuple[Predictor, float | None]:
    """The predictor, and its validation MRR where something was combined."""
    members = [members[0], *sorted(members[1:], key=lambda member: -(member.valid_mrr or 0.0))]
    mined = None
    if use_rules:
        left = clock.left(rules=False)
        deadline = None if left is None else time.monotonic() + left / 2
        mined = mine(
            graph.train, graph.n_entities, graph.n_relations, seed, told, None if deadline is None else lambda: time.monotonic() > deadline
        )
    if len(members) == 1 and mined is None:
        return Predictor(graph, members, [1.0]), None
    weights, rule_weight, valid = choose_weights(graph, members, mined, size=members[0].settings.valid_sample, told=told)
    kept = [(member, weight) for member, weight in zip(members, weights, strict=True) if weight]
    return Predictor(graph, [m for m, _ in kept], [w for _, w in kept], mined, rule_weight), valid


def evaluate(predictor: Predictor, split: str = "test", told: Callable[[float], None] | None = None) -> dict[str, Any]:
    """The report of a split, filtered by all known triples."""
    graph = predictor.graph
    ranks = rank(
        predictor.scorer, graph.split(split), known_index(graph.known, graph.n_relations), graph.n_entities, graph.n_relations, told
    )
    return report(ranks, graph)
