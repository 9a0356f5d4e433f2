"""Small real worlds for the tests of diagnosis: frames, profiles, measured predictions and the packs built of them."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gome_graph.diagnosis import build_pack
from gome_graph.diagnosis.builtin import BUILTIN
from gome_graph.diagnosis.run import findings
from gome_graph.hooks.manager import Plugins
from gome_graph.records import (
    ColumnKind,
    ColumnProfile,
    Component,
    DiagnosticPack,
    Execution,
    Finding,
    Outcome,
    Score,
    Stage,
    StepSummary,
    TargetKind,
    TargetProfile,
    TaskProfile,
    step_id,
)
from gome_graph.task import Measured, SubmissionFormat, find_metric

FOLDS = 5


def column(name: str, kind: ColumnKind = ColumnKind.NUMBER, series: "pd.Series | None" = None, **facts: Any) -> ColumnProfile:
    """A column's profile; share of gaps and number of values from the data if given."""
    measured = {"missing": 0.0, "distinct": 2}
    if series is not None:
        measured = {"missing": float(series.isna().mean()), "distinct": int(series.nunique())}
    return ColumnProfile(name=name, kind=kind, **{**measured, **facts})


@dataclass
class World:
    """A task in miniature. `y` is a label array of text, or floats."""

    frame: pd.DataFrame
    y: np.ndarray
    metric: str
    kinds: dict[str, ColumnKind] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    prediction_kind: str = "number"
    target_facts: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> list[str]:
        return [] if self.prediction_kind == "number" else sorted({str(value) for value in self.y})

    @cached_property
    def folds(self) -> np.ndarray:
        return np.random.default_rng(3).permutation(np.arange(len(self.frame)) % FOLDS)

    @cached_property
    def codes(self) -> np.ndarray:
        return np.searchsorted(np.array(self.classes), self.y.astype(str))

    @property
    def profile(self) -> TaskProfile:
        kind = TargetKind.REGRESSION if not self.classes else TargetKind.BINARY if len(self.classes) == 2 else TargetKind.MULTICLASS
        return TaskProfile(
            rows=len(self.frame), test_rows=100, audit_rows=10, id_column="id",
            columns=[
                column(name, self.kinds.get(name, ColumnKind.NUMBER), self.frame[name], **self.facts.get(name, {}))
                for name in self.frame.columns
            ],
            target=TargetProfile(columns=["target"], kind=kind, classes=self.classes, **self.target_facts), folds=FOLDS,
        )  # fmt: skip

    def measured(self, prediction: "np.ndarray | None", script: str = "", probabilities: "np.ndarray | None" = None) -> Measured:
        form = SubmissionFormat(
            kind=self.prediction_kind, id_column="id", columns=["target"], targets=["target"], classes=self.classes,
            positive_class=self.classes[1] if len(self.classes) == 2 else None,
        )  # fmt: skip
        truth = self.y.astype(float) if not self.classes else self.codes
        metric = find_metric(self.metric)
        losses = None
        if prediction is not None:
            losses = metric.row_losses(truth, prediction)
            if losses is None:  # the proxies named in `Measured`
                losses = (truth != prediction).astype(float) if self.prediction_kind == "label" else _log_loss(truth, prediction)
        return Measured(
            frame=self.frame, truth=truth, prediction=prediction, folds=self.folds, metric=metric, format=form, row_losses=losses,
            probabilities=probabilities, script=script,
        )  # fmt: skip


def _log_loss(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    p = np.clip(prediction, 1e-6, 1 - 1e-6)
    return -np.where(truth == 1, np.log(p), np.log(1 - p))


def score_of(data: Measured) -> Score:
    """The metric with a bootstrap error, as validation would give it."""
    assert data.prediction is not None
    rng = np.random.default_rng(0)
    rows = len(data.truth)
    draws = [rng.integers(0, rows, rows) for _ in range(40)]
    values = [data.metric.score(data.truth[d], data.prediction[d]) for d in draws]
    by_fold = [data.metric.score(data.truth[data.folds == f], data.prediction[data.folds == f]) for f in range(FOLDS)]
    return Score(
        metric=data.metric.name, higher_is_better=data.metric.higher_is_better, value=data.metric.score(data.truth, data.prediction),
        standard_error=float(np.std(values)), by_fold=by_fold, rows=rows,
    )  # fmt: skip


def execution(**facts: Any) -> Execution:
    return Execution(**{"outcome": Outcome.OK, "stage": Stage.FULL, "seed": 0, "wall_seconds": 3.0, "cpu_seconds": 3.0, **facts})


def write_telemetry(folder: Path, *lines: "dict[str, Any] | str") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "telemetry.jsonl").write_text(text + "\n", encoding="utf-8")


def pack_of(
    folder: Path,
    world: World,
    data: "Measured | None",
    *,
    telemetry: "list[dict[str, Any]] | None" = None,
    script: str = "",
    run: "Execution | None" = None,
    history: "list[StepSummary] | None" = None,
    **facts: Any,
) -> DiagnosticPack:
    """The pack of one step of `world`; `facts` override single fields of the finished pack."""
    if telemetry:
        write_telemetry(folder, *telemetry)
    settings = {
        name: facts.pop(name)
        for name in ("time_limit", "cpus", "memory_limit", "verdict_kind", "verdict_reason", "incumbent_script")
        if name in facts
    }
    pack = build_pack(
        **{
            "step": step_id(0, 1), "profile": world.profile, "execution": run or execution(), "verdict_kind": None, "verdict_reason": "",
            "score": score_of(data) if data is not None and data.prediction is not None else None, "measured": data, "output_dir": folder,
            "script": data.script if data is not None else script, "incumbent_script": None, "history": history or [], **settings,
        }
    )  # fmt: skip
    return pack.model_copy(update=facts) if facts else pack


def builtin_plugins() -> Plugins:
    plugins = Plugins()
    for plugin in BUILTIN:
        plugins.add(plugin, plugin.name, status="built-in")
    return plugins


def symptoms(pack: DiagnosticPack, data: "Measured | None") -> dict[str, Finding]:
    """What the built-in diagnosers find, by symptom; every piece of evidence must resolve."""
    found = findings(pack, data, builtin_plugins())
    for finding in found:
        for item in finding.evidence:
            pack.resolve(item.ref)
        assert finding.evidence, f"{finding.symptom} names no evidence"
        json.loads(finding.model_dump_json())
    return {finding.symptom: finding for finding in found}


def summary(number: int, outcome: str = "not_better", gain: "float | None" = -0.3) -> StepSummary:
    return StepSummary(
        step=step_id(0, number), hypothesis=f"change {number}", technique=None, component=Component.MODEL, outcome=outcome,
        score=0.5, gain_in_noise=gain,
    )  # fmt: skip


def fold_lines(model: str, train: float, valid: float, **more: Any) -> list[dict[str, Any]]:
    return [{"kind": "fold", "model": model, "fold": f, "train_score": train, "valid_score": valid, **more} for f in range(FOLDS)]


def out_of_fold(model: Any, inputs: np.ndarray, y: np.ndarray, folds: np.ndarray, *, proba: bool = False) -> tuple[np.ndarray, list[Any]]:
    """Really train `model` on each fold: (out-of-fold predictions, fitted models)."""
    from sklearn.base import clone

    fitted, result = [], None
    for fold in range(FOLDS):
        own = clone(model).fit(inputs[folds != fold], y[folds != fold])
        held = own.predict_proba(inputs[folds == fold]) if proba else own.predict(inputs[folds == fold])
        if result is None:
            result = np.zeros((len(y), *held.shape[1:]), dtype=held.dtype)
        result[folds == fold] = held
        fitted.append(own)
    assert result is not None
    return result, fitted
