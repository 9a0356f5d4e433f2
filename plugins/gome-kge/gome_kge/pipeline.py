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
from gome_kge.predictor import Predictor
from gome_kge.recipes import candidates
from gome_kge.rules import mine
from gome_kge.settings import Settings
from gome_kge.store import Embedding
from gome_kge.training.curves import curves
from gome_kge.training.parallel import Group
from gome_kge.training.trainer import Diverged, Trainer, Validate
from gome_kge.validation import validator

TRIALS_SHARE = 0.25
"""Of the time, for finding the recipe."""
RESERVE_SHARE, RESERVE_SECONDS = 0.1, (4.0, 240.0)
"""Of the time, within these bounds (but never more than half), for evaluation and saving."""
RULES_SHARE, RULES_SECONDS = 0.15, 300.0
"""Of the usable time, at most so much, for mining and weighing rules."""
AGAIN = 5
"""Other seeds of the best recipe, at most."""
DEFAULT_SECONDS = 600.0
"""Of a training for which neither time nor settings are given."""
PLAN = "plan.json"

Told = Callable[[str], None]


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
    group: Group | None = None,
    log: Path | None = None,
) -> Embedding:
    """One training with given settings, early stopping on validation, checkpoints in `folder`; every process of a `group` calls it."""
    trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, settings, group)
    if resume and trainer.resume(folder):
        told(f"going on after epoch {trainer.epoch}")
    with curves(log) as draw:
        after = partial(_after, left=seconds, told=told, draw=draw)
        trainer.fit(validator(graph, settings.valid_sample), seconds=seconds, folder=folder, told=after, save_seconds=save_seconds)
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
    least, most = RESERVE_SECONDS
    return seconds - min(seconds / 2, max(least, min(most, seconds * RESERVE_SHARE)))


def choose(graph: KnowledgeGraph, tried: list[Settings], seconds: float, told: Told) -> list[Trainer]:
    """Successive halving by time: all recipes get the same seconds, the better half goes on from where it stands.

    Each rung costs the same in all; validation alone decides. Returns all of them, the winner first.
    """
    validate = validator(graph, tried[0].valid_sample)
    field = [Trainer(graph.train, graph.n_entities, graph.n_relations, settings) for settings in tried]
    out: list[Trainer] = []
    rungs = max(1, (len(field) - 1).bit_length())
    while len(field) > 1:
        slot = seconds / rungs / len(field)
        scores = []
        for trainer in field:
            scores.append((_slot(trainer, slot, validate), trainer))
            told(f"trying {_name(trainer.settings)}: validation MRR {scores[-1][0]:.4f} after {trainer.epoch} epochs")
        scores.sort(key=lambda pair: -pair[0])
        field = [trainer for _, trainer in scores]
        half = (len(field) + 1) // 2
        field, out = field[:half], field[half:] + out
    return field + out


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


@dataclass
class _Clock:
    """The wall time of a training, earlier parts of a resumed one included."""

    began: float
    before: float
    whole: float | None

    @property
    def spent(self) -> float:
        return self.before + time.monotonic() - self.began

    def left(self, *, rules: bool) -> float | None:
        """Seconds until what is usable is over, without the time that `rules` will need; None: no limit."""
        if self.whole is None:
            return None
        usable = _usable(self.whole)
        return max(0.0, usable - rules * min(RULES_SECONDS, RULES_SHARE * usable) - self.spent)


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
    group: Group | None = None,
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
    clock = _Clock(time.monotonic(), plan["spent"], (seconds or DEFAULT_SECONDS) if found else seconds)
    others: list[Settings] = [Settings(**item) for item in plan["others"]]
    runner_up: Trainer | None = None
    if settings is None:
        whole = clock.whole or DEFAULT_SECONDS
        field = choose(graph, candidates(graph, whole * torch.get_num_threads(), seed), TRIALS_SHARE * whole, told)
        settings, others = field[0].settings, [trainer.settings for trainer in field[1:]]
        field[0].save(folder)
        runner_up = field[1] if len(field) > 1 else None
        del field
        plan.update(settings=settings.model_dump(), others=[item.model_dump() for item in others], spent=round(clock.spent, 1))
        write_json(folder / PLAN, plan)
        resume = True
    use_rules = found if rules is None else rules
    told(f"training {_name(settings)}")
    limit = clock.left(rules=use_rules)
    members = [
        train_fixed(
            graph, settings, folder, seconds=limit, resume=resume, told=told, save_seconds=save_seconds, group=group,
            log=log and log / "member-0",
        )
    ]  # fmt: skip
    if found:
        members += _more(graph, settings, others, runner_up, clock, told, log)
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


def _more(
    graph: KnowledgeGraph, first: Settings, others: list[Settings], runner_up: Trainer | None, clock: _Clock, told: Told, log: Path | None
) -> list[Embedding]:  # fmt: skip
    """Further models for an ensemble, as long as there is time: the recipes that came next, then the best one with other seeds.

    The recipe that came second goes on from where its trial ended, if it is still at hand (`runner_up`).
    """
    found: list[Embedding] = []
    again = [first.model_copy(update={"seed": first.seed + number}) for number in range(1, 1 + AGAIN)]
    queue = [*others[:1], *again[:2], *others[1:2], *again[2:]]
    slowest = clock.spent * (1 - TRIALS_SHARE)
    for settings in queue:
        left = clock.left(rules=True)
        if left is None or left < 0.5 * slowest:
            break
        told(f"training one more: {_name(settings)}, seed {settings.seed}")
        began = time.monotonic()
        if runner_up is not None and runner_up.settings == settings:
            trainer = runner_up
        else:
            trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, settings)
        with curves(log and log / f"member-{len(found) + 1}") as draw:
            after = partial(_after, left=left, told=told, draw=draw)
            try:
                trainer.fit(validator(graph, settings.valid_sample), seconds=left, told=after)
            except Diverged:
                continue
        slowest = max(slowest, time.monotonic() - began)
        found.append(Embedding(settings, trainer.chosen, trainer.history.best))
    return found


def _after(trainer: Trainer, *, left: float | None, told: Told, draw: Callable[[Trainer], None]) -> None:
    """What follows an epoch: a line for people, a point on the curves."""
    told(line(trainer, left))
    draw(trainer)


def _combined(
    graph: KnowledgeGraph, members: list[Embedding], use_rules: bool, clock: _Clock, seed: int, told: Told
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
