"""CPU milliseconds of diagnosis: the pack and the built-in diagnosers, on synthetic tables.

Run ``python benchmarks/diagnosis_overhead.py [ROWS COLUMNS]``; prints medians over 15 steps of one run, and the first step apart (it codes
the columns and compares the tables, once a run).
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from gome_graph.diagnosis import build_pack, builtin_diagnosers, findings
from gome_graph.hooks.manager import Plugins
from gome_graph.records import ColumnKind, ColumnProfile, Execution, Outcome, Score, Stage, TargetKind, TargetProfile, TaskProfile, step_id
from gome_graph.task import Measured, SubmissionFormat, find_metric

STEPS = 15
SCRIPT = "import pandas as pd\nfrom lightgbm import LGBMClassifier\n" + "\n".join(
    f"train['f{i}'] = train['n{i % 9}'].fillna(0) * {i}" for i in range(200)
)


def table(rows: int, columns: int, rng: np.random.Generator) -> tuple[pd.DataFrame, list[ColumnProfile]]:
    """Numbers, categories of all sizes and a text column, a tenth of it missing."""
    frame, profiles = {}, []
    for i in range(columns):
        if i == columns - 1:
            name, kind, values = f"t{i}", ColumnKind.TEXT, pd.Series(["some words of text " * n for n in rng.integers(1, 20, rows)])
        elif i % 3 == 2:
            name, kind, values = f"c{i}", ColumnKind.CATEGORY, pd.Series(rng.integers(0, 2 ** (i // 3 + 1), rows).astype(str))
        else:
            name, kind, values = f"n{i}", ColumnKind.NUMBER, pd.Series(rng.normal(size=rows))
        frame[name] = values.mask(rng.random(rows) < 0.1)
        profiles.append(ColumnProfile(name=name, kind=kind, missing=0.1, distinct=int(frame[name].nunique()), mean_words=40.0))
    return pd.DataFrame(frame), profiles


def world(rows: int, columns: int, kind: str) -> tuple[TaskProfile, Measured, Score]:
    """A task, its measured predictions and their score: ``label``, ``probability``, ``probabilities`` or ``number``."""
    rng = np.random.default_rng(0)
    frame, profiles = table(rows, columns, rng)
    classes = {"label": ["no", "yes"], "probability": ["0", "1"], "probabilities": [f"k{i}" for i in range(12)], "number": []}[kind]
    metric = find_metric({"label": "f1", "probability": "roc_auc", "probabilities": "log_loss", "number": "rmsle"}[kind])
    truth = rng.integers(0, max(2, len(classes)), rows) if classes else rng.gamma(2.0, size=rows)
    proba = rng.dirichlet(np.ones(max(2, len(classes))), rows)
    prediction = {"label": proba.argmax(axis=1), "probability": proba[:, 1], "probabilities": proba, "number": rng.gamma(2.0, size=rows)}[
        kind
    ]
    losses = metric.row_losses(truth, prediction)
    data = Measured(
        frame=frame, truth=truth, prediction=prediction, folds=np.arange(rows) % 5, metric=metric,
        format=SubmissionFormat(kind=kind, id_column="id", columns=["y"], targets=["y"], classes=classes,
                                positive_class=classes[1] if len(classes) == 2 else None),
        row_losses=losses if losses is not None else rng.random(rows), probabilities=proba if kind == "label" else None, script=SCRIPT,
        test=table(rows, columns, rng)[0],
    )  # fmt: skip
    target = {"number": TargetKind.REGRESSION, "probabilities": TargetKind.MULTICLASS}.get(kind, TargetKind.BINARY)
    profile = TaskProfile(
        rows=rows, test_rows=rows, audit_rows=rows // 10, id_column="id", columns=profiles, folds=5,
        target=TargetProfile(columns=["y"], kind=target, classes=classes),
    )  # fmt: skip
    value = float(metric.score(truth, prediction))
    score = Score(
        metric=metric.name, higher_is_better=metric.higher_is_better, value=value, standard_error=0.01, by_fold=[value] * 5, rows=rows
    )
    return profile, data, score


def measure(rows: int, columns: int, kind: str) -> list[tuple[float, float]]:
    """(pack, findings) in CPU milliseconds, one pair a step."""
    profile, data, score = world(rows, columns, kind)
    plugins = Plugins()
    for name, plugin in builtin_diagnosers():
        plugins.add(plugin, name)
    times = []
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            {"kind": "fold", "model": "lgb", "fold": f, "train_score": value, "valid_score": value}
            for f in range(5)
            for value in (0.8, 0.9)
        ]
        (Path(folder) / "telemetry.jsonl").write_text("\n".join(map(json.dumps, lines)))
        for number in range(STEPS):
            script = SCRIPT + f"\nmodel = LGBMClassifier(n_estimators={number})\n"  # every step has a new text to parse and compare
            started = time.process_time()
            pack = build_pack(
                step=step_id(0, number), profile=profile,
                execution=Execution(outcome=Outcome.OK, stage=Stage.FULL, seed=0, wall_seconds=30.0),
                score=score, verdict_kind=None, verdict_reason="", measured=data, output_dir=Path(folder), script=script,
                incumbent_script=SCRIPT, history=[],
            )  # fmt: skip
            built = time.process_time()
            findings(pack, data, plugins)
            times.append((1e3 * (built - started), 1e3 * (time.process_time() - built)))
    return times


def main() -> None:
    """Print one line for each kind of prediction."""
    rows, columns = (int(value) for value in (sys.argv[1:3] if len(sys.argv) > 2 else ("10000", "30")))
    print(f"{rows} rows x {columns} columns, CPU ms, median of {STEPS - 1} steps (first step)")
    for kind in ("label", "probability", "probabilities", "number"):
        first, *others = measure(rows, columns, kind)
        pack, found = (statistics.median(values) for values in zip(*others, strict=True))
        print(f"{kind:14} pack {pack:6.1f} ({first[0]:6.1f})   findings {found:6.1f} ({first[1]:6.1f})")


if __name__ == "__main__":
    main()
