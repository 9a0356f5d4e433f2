"""Behaviour 3, first half: neither the unit nor the direction of a metric changes what momentum ranks first."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gome_graph.records import Component, Execution, Experience, Hypothesis, Momentum, Outcome, RecallQuery, Stage, StepId, Verdict
from gome_graph.task import PreparedTask, load_task, prepare
from gome_graph.task.metrics.base import Array, Floats, MeanMetric
from gome_graph.task.metrics.registry import register_metric
from gome_graph.validation import Incumbent, validate
from gome_memory.memory import MemoryConfig, SuccessMemory
from tests.behaviours.checks import Check, at_most

ROWS, TEST_ROWS, STEPS = 900, 200, 24
TOPICS = (
    "Blend the linear and the boosted model", "Encode categories by target statistics", "Predict the logarithm of the target",
    "Use character n-grams of the text", "Stop boosting early on a held-out part", "Flag missing numbers", "Average five seeds",
    "Drop columns that drift", "Widen the forest",
)  # fmt: skip


class NegativeRmse(MeanMetric):
    """RMSE times -1000: another unit and the other direction."""

    name, higher_is_better, prediction = "test_negative_rmse_thousandfold", True, "number"
    linear = False

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.asarray((truth - prediction) ** 2, dtype=float)

    def from_mean_loss(self, mean_loss: float) -> float:
        return float(-1000.0 * np.sqrt(mean_loss))


class ErrorRate(MeanMetric):
    """1000 - 1000 x accuracy: another unit and the other direction."""

    name, higher_is_better, prediction = "test_error_rate_thousandfold", False, "label"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.asarray(truth != prediction, dtype=float)

    def from_mean_loss(self, mean_loss: float) -> float:
        return 1000.0 * mean_loss


def number(factor: float) -> Callable[[Any], Any]:
    """The target and its predictions in another unit."""
    return lambda signal: signal * factor


def label(signal: Any) -> Any:
    """Above or below the middle."""
    return np.where(signal > 0, "yes", "no")


VARIANTS = {
    "rmse": {
        "plain": ("rmse", number(1.0)), "target x 1000": ("rmse", number(1000.0)), "target sign flipped": ("rmse", number(-1.0)),
        "metric x -1000": (NegativeRmse.name, number(1.0)), "both": (NegativeRmse.name, number(-1000.0)),
    },
    "mae": {"plain": ("mae", number(1.0)), "target x 1000": ("mae", number(1000.0)), "target sign flipped": ("mae", number(-1.0))},
    "accuracy": {"plain": ("accuracy", label), "metric x -1000": (ErrorRate.name, label)},
}  # fmt: skip
"""Base -> variant -> (metric, what becomes of the signal); the first variant is what the others must agree with."""


def verdicts(root: Path, metric: str, form: Callable[[Any], Any]) -> list[Verdict]:
    """The same `STEPS` steps, prepared and validated for real from files, in the unit that `form` gives them.

    Folds are drawn without regard to the target: strata of a target that runs the other way are other rows.
    """
    register_metric(NegativeRmse())
    register_metric(ErrorRate())
    random = np.random.default_rng(5)
    truth, shared = random.normal(size=(2, ROWS + TEST_ROWS))
    noise = random.normal(size=(STEPS, ROWS + TEST_ROWS))
    widths = 0.8 - 0.02 * np.arange(STEPS) + random.normal(scale=0.06, size=STEPS)
    prepared = prepare(load_task(_write(root / "task", metric, form(truth))), root / "prepared", seed=0)
    found: list[Verdict] = []
    incumbent: Incumbent | None = None
    for step in range(STEPS):
        values = form(truth + widths[step] * (0.8 * shared + 0.6 * noise[step]))
        output = root / "steps" / f"t0-{step}" / "output"
        _predict(prepared, output, values)
        execution = Execution(outcome=Outcome.OK, stage=Stage.FULL, seed=0, wall_seconds=10.0)
        verdict = validate(prepared, output, execution, stage=Stage.FULL, incumbent=incumbent).verdict
        found.append(verdict)
        if verdict.accepted:
            incumbent = Incumbent(StepId(f"t0-{step}"), output, 10.0)
    return found


def _write(folder: Path, metric: str, target: Any) -> Path:
    folder.mkdir(parents=True)
    frame = pd.DataFrame({"id": np.arange(len(target)), "x": np.random.default_rng(1).normal(size=len(target)), "y": target})
    frame[:ROWS].to_csv(folder / "train.csv", index=False)
    frame[ROWS:].drop(columns="y").to_csv(folder / "test.csv", index=False)
    frame[ROWS:][["id", "y"]].to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.toml").write_text(
        f'name = "units"\nid = "id"\ntarget = ["y"]\nmetric = "{metric}"\nsplit = "kfold"\n', encoding="utf-8"
    )
    return folder


def _predict(prepared: PreparedTask, output: Path, values: Any) -> None:
    """What a script would write: predictions of the rows of train and test that it sees, looked up by id."""
    output.mkdir(parents=True)
    for source, name in (("train", "oof"), ("test", "submission")):
        ids = pd.read_csv(prepared.input_dir(Stage.FULL) / f"{source}.csv")["id"]
        pd.DataFrame({"id": ids, "y": values[ids.to_numpy()]}).to_csv(output / f"{name}.csv", index=False)


def experiences(found: list[Verdict]) -> list[Experience]:
    """What a run would remember of these steps."""
    return [
        Experience(
            key=f"run/0/{step}", run="run", trace=0, step=StepId(f"t0-{step}"), task="units", verdict=verdict.kind, gain=verdict.gain,
            gain_in_noise=verdict.gain_in_noise or 0.0,
            hypothesis=Hypothesis(title=TOPICS[step % len(TOPICS)], rationale=f"Attempt {step}.", component=Component.MODEL),
        )
        for step, verdict in enumerate(found)
    ]  # fmt: skip


def recalls(root: Path, remembered: list[Experience]) -> list[list[tuple[str, float]]]:
    """Key and weight of everything recalled, for many questions."""
    memory = SuccessMemory(root, MemoryConfig(index="exact", embedding="hash"))
    memory.remember_all(remembered)
    answers = []
    for seed, topic in enumerate(TOPICS * 4):
        hypothesis = Hypothesis(title=topic, rationale="Asked.", component=Component.MODEL)
        answers.append(_keys(memory.recall(
            RecallQuery(hypotheses=[hypothesis], trace_steps=10 * (seed % 4), seed=seed, task="units", run="run")
        )))  # fmt: skip
    memory.close()
    return answers


def _keys(momentum: Momentum) -> list[tuple[str, float]]:
    return [(item.experience.key, round(item.weight, 6)) for item in (*momentum.successes, *momentum.failures)]


def checks(root: Path) -> list[Check]:
    """Noise units and rankings under every variant, against the plain one."""
    drift, verdicts_changed, rankings_changed, asked, steps = 0.0, 0, 0, 0, 0
    spread: dict[str, list[float]] = {}
    for base, variants in VARIANTS.items():
        plain: tuple[list[Verdict], list[list[tuple[str, float]]]] | None = None
        for name, (metric, form) in variants.items():
            folder = root / base / name.replace(" ", "_")
            found = verdicts(folder, metric, form)
            answers = recalls(folder / "memory", experiences(found))
            if plain is None:
                plain = found, answers
                spread[base] = [v.gain_in_noise or 0.0 for v in found]
                continue
            drift = max(drift, *(abs((a.gain_in_noise or 0.0) - (b.gain_in_noise or 0.0)) for a, b in zip(found, plain[0], strict=True)))
            verdicts_changed += sum(a.kind != b.kind for a, b in zip(found, plain[0], strict=True))
            rankings_changed += sum(
                [key for key, _ in a] != [key for key, _ in b] for a, b in zip(answers, plain[1], strict=True)
            )  # fmt: skip
            asked += len(answers)
            steps += len(found)
    note = f"{steps} steps in {sum(map(len, VARIANTS.values())) - len(VARIANTS)} other units or directions"
    return [
        at_most(3, "largest change of a gain in noise units", drift, 1e-4, note, plain=json.loads(json.dumps(spread))),
        at_most(3, "verdicts changed by unit or direction", verdicts_changed, 0, note),
        at_most(3, "recalled rankings changed by unit or direction", rankings_changed, 0, f"of {asked} recalls"),
    ]
