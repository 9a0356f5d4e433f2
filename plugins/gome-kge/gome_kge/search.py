"""Hyper-parameter search with Optuna: TPE, pruned by the median, on validation alone."""

import time
from collections.abc import Callable
from typing import Any

from gome_graph.errors import TaskError
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.recipes import candidates
from gome_kge.settings import Settings
from gome_kge.training.trainer import Diverged, Trainer
from gome_kge.validation import validator


def search(
    graph: KnowledgeGraph, *, trials: int, seconds: float, seed: int = 0, told: Callable[[str], None] = lambda text: None
) -> tuple[Settings, float, list[dict[str, Any]]]:
    """(best settings, their validation MRR, all trials). Each trial gets an equal share of the time.

    Raises
    ------
    TaskError
        If Optuna is missing or no trial came to an end.
    """
    try:
        import optuna
    except ImportError as error:
        raise TaskError("Searching needs Optuna: pip install 'gome-kge[search]'.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    start = candidates(graph, seconds / trials, seed)
    base = start[0]
    validate = validator(graph, base.valid_sample)

    def objective(trial: optuna.Trial) -> float:
        model = trial.suggest_categorical("model", sorted({item.model for item in start} | {"complex", "cp"}))
        kinds = ["dura", "f2"] if model == "rescal" else ["dura", "n3"]
        top = max(item.rank for item in start if item.model == model) if any(item.model == model for item in start) else 200
        settings = base.model_copy(
            update={
                "model": model,
                "rank": trial.suggest_int(f"rank_{model}", max(8, top // 8), top, log=True),
                "regularizer": trial.suggest_categorical(f"regularizer_{model}", kinds),
                "weight": trial.suggest_float("weight", 1e-3, 0.5, log=True),
                "relation_prediction": trial.suggest_categorical("relation_prediction", [0.0, 0.25, 1.0]),
                "lr": trial.suggest_float("lr", 0.03, 0.3, log=True),
                "batch": trial.suggest_categorical("batch", [128, 256, 512]),
                "seed": seed,
            }
        )
        trial.set_user_attr("settings", settings.model_dump())
        trainer = Trainer(graph.train, graph.n_entities, graph.n_relations, settings)
        deadline = time.monotonic() + seconds / trials

        def report(at: Trainer) -> None:
            if at.history.looks and at.history.looks[-1]["epoch"] == at.epoch:
                trial.report(at.history.looks[-1]["mrr"], at.epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned

        try:
            trainer.fit(validate, seconds=max(0.5, deadline - time.monotonic()), told=report)
        except Diverged:
            raise optuna.TrialPruned from None
        told(f"trial {trial.number + 1} of {trials}: {settings.model} {settings.rank}, validation MRR {trainer.history.best:.4f}")
        return trainer.history.best

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner())
    study.optimize(objective, n_trials=trials, timeout=seconds)
    done = [trial for trial in study.trials if trial.value is not None]
    if not done:
        raise TaskError(f"None of {len(study.trials)} trials came to an end in {seconds:.0f} s; give more --time or fewer --trials.")
    rows = [{"trial": t.number, "valid_mrr": t.value, "state": t.state.name.lower(), **t.user_attrs} for t in study.trials]
    return Settings(**study.best_trial.user_attrs["settings"]), float(study.best_value), rows
