"""Scripts that read the files that go with the rows."""

import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules import packages
from gome_graph.reasoners.rules.catalog.models import fits_task
from gome_graph.reasoners.rules.catalog.side_files import TECHNIQUES
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.reasoners.rules.writer import draft_recipes, write_script
from gome_graph.reasoners.rules.writer.row_files import geometry_columns
from gome_graph.reasoners.rules.writer.templates import template
from gome_graph.records import RowFiles, TargetKind
from tests.reasoners.files import (
    CITIES,
    CRYSTALS,
    MOLECULES,
    PICTURES,
    RECORDS,
    SERIES,
    VISITS,
    crystal,
    molecule,
    write_files,
    write_linked,
    write_stripes,
)
from tests.reasoners.synthetic import check_outputs, make_task, outputs, run_script
from tests.reasoners.test_writer import one

BY_NAME = {technique.name: technique for technique in TECHNIQUES}


def task_with(root: Path, files: RowFiles, kind: TargetKind = TargetKind.REGRESSION) -> TaskBrief:
    """A synthetic task with such files; a tenth of the rows lacks its own."""
    task = make_task(root, kind, "number", "rmse")
    train, test = (pd.read_csv(root / "input" / f"{name}.csv", dtype=str)["id"] for name in ("train", "test"))
    write_files(root / "input", files, train[12:], test)
    return with_files(task, files)


def with_files(task: TaskBrief, *files: RowFiles, **facts: Any) -> TaskBrief:
    return replace(task, profile=task.profile.model_copy(update={"row_files": list(files), **facts}))


def all_steps(task: TaskBrief, recipe: Recipe) -> Recipe:
    """Every technique of the group applied, each as often as it offers something."""
    for technique in TECHNIQUES:
        while variants := technique.variants(TechniqueContext(task=task, recipe=recipe)):
            recipe = variants[0].recipe
    return recipe


def script_of(task: TaskBrief, technique: str, model: str = "lightgbm", **params: Any) -> str:
    start = one(model, params=params)  # type: ignore[arg-type]
    return write_script(BY_NAME[technique].variants(TechniqueContext(task=task, recipe=start))[0].recipe, task)


def geometry_features(path: Path, elements: list[str], *, periodic: bool) -> dict[str, float]:
    """What the script's own function says of one file."""
    scope: dict[str, Any] = {"np": np, "re": re, "cdist": cdist}
    exec(template("helpers/geometry.py.jinja").render(elements=elements, periodic=periodic, shared=False), scope)
    made: dict[str, float] = scope["geometry_features"](path)
    return made


@pytest.mark.parametrize("files", [CRYSTALS, MOLECULES], ids=["crystals", "molecules"])
def test_a_script_reads_each_rows_geometry(tmp_path: Path, files: RowFiles) -> None:
    task = task_with(tmp_path, files)

    done = run_script(tmp_path, script_of(task, "geometry_files", n_estimators=20))

    assert done.returncode == 0, done.stderr[-2000:]
    assert "Warning" not in done.stderr
    check_outputs(tmp_path, task)
    used = next(line["used"] for line in outputs(tmp_path)[2] if line["kind"] == "columns")
    assert set(geometry_columns(files.names, periodic=files.periodic)) <= set(used)


def everything(root: Path) -> TaskBrief:
    """A task with a picture, a record and a series for most rows, and two further tables."""
    task = make_task(root, TargetKind.BINARY, "probability", "roc_auc")
    train, test = (pd.read_csv(root / "input" / f"{name}.csv", dtype=str)["id"] for name in ("train", "test"))
    for files in (PICTURES, RECORDS, SERIES):
        write_files(root / "input", files, train[12:], test)
    write_linked(root / "input")
    return with_files(task, PICTURES, RECORDS, SERIES, linked_tables=[VISITS, CITIES])


def test_pictures_records_series_and_further_tables_become_columns(tmp_path: Path) -> None:
    task = everything(tmp_path)

    done = run_script(tmp_path, write_script(all_steps(task, one("lightgbm", params={"n_estimators": 20})), task))

    assert done.returncode == 0, done.stderr[-2000:]
    assert "Warning" not in done.stderr
    check_outputs(tmp_path, task)
    used = next(line["used"] for line in outputs(tmp_path)[2] if line["kind"] == "columns")
    wanted = {"image_edge_128", "image_shape_16", "json_home.rooms", "json_home.kind", "table_value_last", "table_rows", "visits_rows"}
    assert wanted | {"visits_spent_mean", 'visits_odd "name"_max', "visits_shop_distinct", "cities_people", "cities_land"} <= set(used)


def test_a_task_of_nothing_but_pictures_has_drafts_that_read_them(tmp_path: Path) -> None:
    task = everything(tmp_path)
    bare = with_files(task, PICTURES, columns=[])

    drafts = draft_recipes(bare)
    done = run_script(tmp_path, write_script(drafts[1], bare))

    assert all(draft.has_feature("image_files") for draft in drafts)
    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, bare)


@pytest.mark.skipif(find_spec("torch") is None, reason="the extra nets is not installed")
@pytest.mark.parametrize("kind", [TargetKind.BINARY, pytest.param(TargetKind.REGRESSION, marks=pytest.mark.slow)])
def test_a_network_sees_what_the_pictures_show(tmp_path: Path, kind: TargetKind) -> None:
    """Stripes that lie or stand say the class, how wide they are the number; some pictures are missing, one is broken."""
    how = ("probability", "roc_auc") if kind is TargetKind.BINARY else ("number", "mae")
    task = make_task(tmp_path, kind, *how, rows=240)
    train = pd.read_csv(tmp_path / "input" / "train.csv", dtype=str)
    labels = train["y"]
    truth = (labels == "True").to_numpy() if kind is TargetKind.BINARY else labels.astype(float).rank(pct=True).to_numpy()
    write_files(tmp_path / "input", PICTURES, [], pd.read_csv(tmp_path / "input" / "test.csv", dtype=str)["id"])
    for name, told in zip(train["id"][3:], truth[3:], strict=True):
        write_stripes(tmp_path / "input" / PICTURES.train.format(name), told)
    (tmp_path / "input" / PICTURES.train.format(train["id"][5])).write_bytes(b"no picture")
    task = with_files(task, PICTURES)
    recipe = BY_NAME["image_files"].variants(TechniqueContext(task=task, recipe=one("lightgbm")))[0].recipe
    net = Member(name="net", model="picture_net", params={"pictures": 4_000, "width": 8, "rate": 0.01})

    done = run_script(tmp_path, write_script(recipe.model_copy(update={"members": [net]}), task), GOME_CPUS="1")

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, task)
    found = outputs(tmp_path)[0]["y"].astype(float).to_numpy()
    assert np.corrcoef(found[6:], truth[6:].astype(float))[0, 1] > 0.7


def test_a_network_on_pictures_is_offered_where_pictures_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "installed", lambda package: True)
    task = everything(tmp_path)
    blind = TechniqueContext(task=task, recipe=one("lightgbm"))
    seeing = TechniqueContext(task=task, recipe=BY_NAME["image_files"].variants(blind)[0].recipe)

    assert not fits_task("picture_net", blind)
    assert fits_task("picture_net", seeing)


def test_scripts_that_read_files_are_formatted_and_lint_free(tmp_path: Path) -> None:
    for number, files in enumerate([CRYSTALS, MOLECULES, CRYSTALS.model_copy(update={"train": "train_" + "long_" * 30 + "name/{}.txt"})]):
        task = task_with(tmp_path / "task", MOLECULES)
        task = with_files(task, files, linked_tables=[])
        (tmp_path / f"script_{number}.py").write_text(script_of(task, "geometry_files", "linear"), encoding="utf-8")
    task = everything(tmp_path / "task")
    for name in ("lightgbm", "linear", "picture_net"):
        (tmp_path / f"all_{name}.py").write_text(write_script(all_steps(task, one(name)), task), encoding="utf-8")  # type: ignore[arg-type]
    for command in (
        ["check", "--isolated", "--select", "E4,E7,E9,F,I,B006,UP"],
        ["format", "--isolated", "--line-length", "100", "--diff"],
    ):
        checked = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout[-3000:]


def test_neighbours_of_a_crystal_are_counted_across_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "atoms.xyz"
    path.write_text(crystal(3.0), encoding="utf-8")

    made = geometry_features(path, ["O", "Zn"], periodic=True)

    assert set(geometry_columns(["O", "Zn"], periodic=True)) == {f"geometry_{n}" for n in made}
    assert made["volume"] == pytest.approx(27.0)
    assert made["angle_1"] == pytest.approx(90.0)
    assert made["O_Zn_near"] == pytest.approx(3.0 * 3**0.5 / 2)
    assert made["O_O_near"] == pytest.approx(3.0)
    assert made["O_O_count"] == 6
    assert made["any_count"] == 14  # eight at the nearest distance and six only 15 % further


def test_a_molecule_is_described_without_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_text(molecule(1.1), encoding="utf-8")

    made = geometry_features(path, ["H", "C", "N"], periodic=False)

    assert set(geometry_columns(["H", "C", "N"], periodic=False)) == {f"geometry_{name}" for name in made}
    assert (made["H"], made["C"], made["N"]) == (2, 1, 0)
    assert made["H_H_near"] == pytest.approx(1.1 * 2**0.5)
    assert np.isnan(made["C_N_near"])
    assert geometry_features(tmp_path / "nowhere.xyz", ["C"], periodic=False) == {}
