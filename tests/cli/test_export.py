"""``gome export``: what is handed over runs without gome."""

import csv
import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome_graph.report.package import requirements
from gome_graph.run import RunDirectory

ROWS, TRAIN = 260, 200
ONE_CORE = {"GOME_CPUS": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of one step on a task with labels that are spelled in words and ids that are not in order."""
    folder = tmp_path_factory.mktemp("task")
    random = np.random.default_rng(3)
    x = random.normal(size=ROWS)
    frame = pd.DataFrame({
        "key": [f"r{i}" for i in random.permutation(ROWS)], "x": x.round(3), "shade": random.choice(["dark", "light, pale"], ROWS),
        "bought": np.where(x + random.normal(0, 0.5, ROWS) > 0, "yes", "no"),
    })  # fmt: skip
    frame[:TRAIN].to_csv(folder / "train.csv", index=False)
    frame[TRAIN:].drop(columns="bought").to_csv(folder / "test.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-m", "gome_graph.cli", "run", str(folder), "--target", "bought", "--metric", "accuracy", "--id", "key",
         "--max-steps", "1", "--traces", "1", "--budget", "2m", "--no-memory", "--cpus", "1", "--out", str(folder / "run"), "--quiet"],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the libraries of this one and nothing of gome."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    here = Path(np.__file__).parents[1]
    there = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for each in here.iterdir():
        if "gome" not in each.name and each.suffix != ".pth" and not (there / each.name).exists():
            (there / each.name).symlink_to(each)
    found = subprocess.run([str(python), "-c", "import gome_graph"], capture_output=True, text=True, cwd=folder, env={}, check=False)
    assert "ModuleNotFoundError" in found.stderr
    return python


def test_a_package_predicts_new_rows_without_gome(ended: Path, bare_python: Path, gome: Callable[..., Any], tmp_path: Path) -> None:
    package = tmp_path / "model"
    assert gome("export", ended / "run", "--out", package).code == 0
    rows = list(csv.reader((ended / "test.csv").open(newline="")))
    with (tmp_path / "new.csv").open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], *reversed(rows[1:])])
    done = subprocess.run([str(bare_python), str(package / "predict.py"), "new.csv"], cwd=tmp_path, env=ONE_CORE, capture_output=True,
                          text=True, timeout=200, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = pd.read_csv(tmp_path / "predictions.csv", dtype=str)
    submitted = pd.read_csv(ended / "run" / "submission.csv", dtype=str)
    assert made["key"].tolist() == submitted["key"].tolist()[::-1]  # the order of the rows given
    assert (made["bought"].to_numpy() == submitted["bought"].to_numpy()[::-1]).mean() > 0.95
    assert set(made["bought"]) <= {"yes", "no"}


@pytest.mark.parametrize(
    ("text", "words"),
    [("key,x\na,1\n", "lacks the column 'shade'"), ("key,x,shade\na,1\n", "row 1"), ("key,x,shade\na,tall,dark\n", "must be a number"),
     ("key,x,shade\na,1,dark\na,2,dark\n", "not distinct"), ("key,x,shade\n", "no rows")],
)  # fmt: skip
def test_rows_that_do_not_fit_are_refused_in_one_sentence(
    ended: Path, gome: Callable[..., Any], tmp_path: Path, text: str, words: str
) -> None:
    gome("export", ended / "run", "--out", "model")
    (tmp_path / "new.csv").write_text(text)
    done = subprocess.run([sys.executable, "model/predict.py", "new.csv"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "predictions.csv").exists()


def test_a_package_says_what_it_is(ended: Path, gome: Callable[..., Any], tmp_path: Path) -> None:
    gome("export", ended / "run", "--out", "model")
    schema = json.loads((tmp_path / "model" / "schema.json").read_text())
    assert schema["required"] == ["x", "shade"]
    assert schema["properties"]["x"]["type"] == ["number", "null"]
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["validation"]["standard_error"] > 0
    assert "pandas==" in (tmp_path / "model" / "requirements.txt").read_text()
    readme = (tmp_path / "model" / "README.md").read_text()
    assert "no frozen model" in readme
    assert "{{" not in readme


def test_a_zip_without_data_holds_no_training_row(ended: Path, gome: Callable[..., Any], tmp_path: Path) -> None:
    said = gome("export", ended / "run", "--zip", "--no-data", "--json")
    archive = zipfile.ZipFile(json.loads(said.out)["package"])
    assert {name.rpartition("/")[2] for name in archive.namelist()} == {
        "README.md", "card.json", "predict.py", "requirements.txt", "schema.json", "solution.py"
    }  # fmt: skip
    archive.extractall(tmp_path)
    (tmp_path / "new.csv").write_text("x,shade\n1,dark\n")
    done = subprocess.run([sys.executable, "run-package/predict.py", "new.csv"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "--data" in done.stderr) == (2, True)


def test_what_is_there_is_not_written_over(ended: Path, gome: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    said = gome("export", ended / "run", "--out", "model")
    assert said.code == 2
    assert "give another --out" in said.err
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]


def test_a_step_without_a_score_is_not_exported(finished: RunDirectory, gome: Callable[..., Any], tmp_path: Path) -> None:
    said = gome("export", finished.root, "--step", "t0-2")
    assert said.code == 2
    assert "no valid score" in said.err


def test_requirements_are_what_the_script_imports() -> None:
    names = [line.partition("==")[0] for line in requirements("import json\nimport sklearn.linear_model\nfrom pandas import read_csv\n")]
    assert names == ["pandas", "scikit-learn"]


def test_a_derived_run_begins_with_the_step(ended: Path, gome: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gome_graph.cli.running.process_age", lambda: 0.0)  # that of the tests counts for no run
    said = gome("derive", ended / "run", "--step", "t0-0", "--max-steps", "1", "--out", "again", "--json")
    assert said.code == 0, said.err
    again, first = RunDirectory(tmp_path / "again"), RunDirectory(ended / "run")
    assert again.step("t0-0").solution().script == first.step("t0-0").solution().script  # type: ignore[union-attr]
    assert again.step("t0-0").verdict().score == first.step("t0-0").verdict().score  # type: ignore[union-attr]
    assert again.step("t0-0").execution().kept_seconds > 0  # type: ignore[union-attr]  # fitted in the other run, not again
    assert "Begin with step t0-0 of run" in gome("show", "again").out


def test_a_run_is_not_derived_from_what_has_no_data(finished: RunDirectory, gome: Callable[..., Any], tmp_path: Path) -> None:
    said = gome("derive", finished.root)
    assert said.code == 2
    assert "is not there any more" in said.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs"]


def test_plot_draws_error_bars_on_one_scale(finished: RunDirectory, gome: Callable[..., Any]) -> None:
    from fake_run import build

    build(finished.root.parent / "other", per_trace=2)
    said = gome("runs", "--top", "5", "--plot")
    bars = [line for line in said.out.splitlines() if "●" in line]
    assert len(bars) == 2
    assert all("├" in bar and "┤" in bar for bar in bars)
    assert bars[0].index("●") < bars[1].index("●")  # log loss: the better one lies lower
    assert "one standard error" in said.out
