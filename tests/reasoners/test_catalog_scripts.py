"""What the catalog's recipes become: scripts that compile, and scripts that run on small planted data."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.reasoner import RulesReasoner
from gome_graph.reasoners.rules.writer import write_script
from gome_graph.records import ColumnKind, ColumnProfile
from tests.reasoners.files import write_files, write_linked
from tests.reasoners.planted import context
from tests.reasoners.test_catalog import BY_NAME, PLANTED

ROWS = 240
MAIN = [
    "split_compound", "missing_indicators", "date_parts", "row_totals", "target_encoding", "char_ngrams", "text_specialist",
    "text_panel", "phrase_bayes", "style_specialist",
    "blend_families",
    "stronger_regularisation", "target_transform", "threshold", "ordinal_cuts", "calibration", "seed_bagging",
    "count_twins", "single_precision", "usual_loss",
]  # fmt: skip
"""Run by default; the others are slow tests."""

DRIVER = """
import json, os, runpy, sys, time, traceback
failed = {}
for folder in json.loads(sys.argv[1]):
    os.chdir(folder)
    try:
        runpy.run_path("solution.py", run_name="__main__")
    except BaseException:
        failed[folder] = traceback.format_exc()[-1500:]
print("FAILED " + json.dumps(failed))
"""
"""Many scripts in one process: importing the libraries is most of a small run's time."""


def values(column: ColumnProfile, rows: int, rng: np.random.Generator) -> list[object]:
    """Values of the column's kind, with its gaps."""
    words = [f"word{n}" for n in range(60)]
    makers = {
        ColumnKind.NUMBER: lambda: int(rng.integers(column.distinct)) if column.integer else round(float(rng.gamma(2.0, 3.0)), 3),
        ColumnKind.CATEGORY: lambda: (
            f"{int(rng.integers(40))} kg" if "12 kg" in column.top_values else f"c{int(rng.integers(column.distinct))}"
        ),
        ColumnKind.COMPOUND: lambda: f"{'AB'[int(rng.integers(2))]}/{int(rng.integers(99))}/{'PS'[int(rng.integers(2))]}",
        ColumnKind.DATETIME: lambda: f"2024-{int(rng.integers(1, 13)):02d}-{int(rng.integers(1, 29)):02d} 10:00:00",
        ColumnKind.TEXT: lambda: " ".join(rng.choice(words, 12)),
        ColumnKind.LIST: lambda: json.dumps(list(rng.choice(words, 5))),
    }
    made = [makers[column.kind]() for _ in range(rows)]
    return [None if rng.random() < column.missing else value for value in made]


def plant(task: TaskBrief, folder: Path) -> None:
    """Write the input files of a task with `ROWS` training rows."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = ROWS + 60
    table = pd.DataFrame({c.name: values(c, rows, rng) for c in task.profile.columns})
    table.insert(0, "id", [f"r{n}" for n in range(rows)])
    classes = task.profile.target.classes
    for name in task.profile.target.columns:
        table[name] = rng.choice(classes or np.arange(1, 200), rows)
    names = task.profile.target.columns
    table[:ROWS].to_csv(folder / "train.csv", index=False)
    table[ROWS:].drop(columns=names).to_csv(folder / "test.csv", index=False)
    table[ROWS:][["id", *names]].to_csv(folder / "sample_submission.csv", index=False)
    pd.DataFrame({"id": table["id"][:ROWS], "fold": np.arange(ROWS) % 5}).to_csv(folder / "folds.csv", index=False)
    for files in task.profile.row_files:
        write_files(folder, files, table["id"][:ROWS], table["id"][ROWS:])
    if task.profile.linked_tables:
        write_linked(folder)


def run_all(scripts: dict[str, tuple[TaskBrief, str]], root: Path) -> dict[str, str]:
    """Run scripts one after the other; the tracebacks of those that failed."""
    folders = []
    inputs: dict[int, Path] = {}
    for name, (task, script) in scripts.items():
        if id(task) not in inputs:
            inputs[id(task)] = root / f"input{len(inputs)}"
            plant(task, inputs[id(task)])
        folder = root / name
        (folder / "output").mkdir(parents=True)
        (folder / "input").symlink_to(inputs[id(task)])
        (folder / "solution.py").write_text(script, encoding="utf-8")
        folders.append(str(folder))
    environment = {**os.environ, "GOME_STAGE": "smoke", "GOME_CPUS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", DRIVER, json.dumps(folders)], env=environment, capture_output=True, text=True, timeout=280)
    assert "FAILED " in done.stdout, done.stderr[-2000:]
    failed: dict[str, str] = json.loads(done.stdout.rpartition("FAILED ")[2])
    return {Path(folder).name: error for folder, error in failed.items()}


def scripts_of(names: list[str]) -> dict[str, tuple[TaskBrief, str]]:
    """The script of each technique's first variant on its planted context."""
    made = {}
    for name in names:
        yes, _ = PLANTED[name]
        variants = BY_NAME[name].variants(yes)
        if variants:  # else it needs a package that is not installed
            made[name] = (yes.task, write_script(variants[0].recipe, yes.task))
    return made


@pytest.mark.usefixtures("every_package")
@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_variant_becomes_a_script_that_compiles_and_differs(name: str) -> None:
    yes, _ = PLANTED[name]
    before = write_script(yes.recipe, yes.task)
    for variant in BY_NAME[name].variants(yes):
        script = write_script(variant.recipe, yes.task)
        ast.parse(script)
        assert script != before
        assert "gome_graph" not in script


def test_scripts_of_the_main_techniques_run(tmp_path: Path) -> None:
    scripts = scripts_of(MAIN)
    assert run_all(scripts, tmp_path) == {}
    for name, (task, _) in scripts.items():
        assert len(pd.read_csv(tmp_path / name / "output" / "oof.csv")) == ROWS
        assert list(pd.read_csv(tmp_path / name / "output" / "submission.csv").columns) == ["id", *task.prediction_columns]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_scripts_of_all_other_techniques_run(part: int, tmp_path: Path) -> None:
    assert run_all(scripts_of([name for name in sorted(BY_NAME) if name not in MAIN][part::4]), tmp_path) == {}


@pytest.mark.slow
def test_drafts_of_every_kind_of_task_run(tmp_path: Path) -> None:
    reasoner = RulesReasoner()
    tasks = {id(yes.task): yes.task for yes, _ in PLANTED.values()}.values()
    scripts = {
        f"draft_{n}_{trace}": (task, reasoner.draft(context(task, trace=trace, step=0, pack=None)).solution.script)
        for n, task in enumerate(tasks)
        for trace in range(3)
        if n < 12
    }
    assert run_all(scripts, tmp_path) == {}
