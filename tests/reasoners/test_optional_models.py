"""Models behind extras: offered only where their package is installed, and right on awkward data where it is."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.reasoners.rules import packages
from gome_graph.reasoners.rules.catalog.models import fits_task
from gome_graph.reasoners.rules.packages import PACKAGES, available
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.writer import write_script
from gome_graph.records import TargetKind
from tests.reasoners.planted import brief, recipe, view
from tests.reasoners.synthetic import check_outputs, make_task, outputs, run_script


@pytest.mark.parametrize("model", sorted(PACKAGES))
def test_a_model_is_offered_only_where_its_package_is_installed(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = view(brief(rows=2_000), recipe().with_feature("image_files", ["id"], train="{}.png", test="{}.png", components=4))
    monkeypatch.setattr(packages, "installed", lambda package: False)
    assert not available(model)  # type: ignore[arg-type]
    assert not fits_task(model, here)  # type: ignore[arg-type]
    assert available("lightgbm")

    monkeypatch.setattr(packages, "installed", lambda package: package == PACKAGES[model])  # type: ignore[index]
    assert available(model)  # type: ignore[arg-type]
    assert fits_task(model, here)  # type: ignore[arg-type]


@pytest.mark.skipif(find_spec("xgboost") is None, reason="the extra boost is not installed")
@pytest.mark.parametrize("encoding", ["native", "target"])
def test_xgboost_bears_a_fold_that_lacks_a_class(tmp_path: Path, encoding: str) -> None:
    brief = make_task(tmp_path, TargetKind.MULTICLASS, "probabilities", "log_loss_balanced", rows=100)
    path = tmp_path / "input" / "train.csv"
    train = pd.read_csv(path, dtype=str, keep_default_na=False)
    train["y"] = np.where(train.index == 3, "bee", np.where(train["color"] == "red", "None", "ant"))  # the class in the middle, once
    train.to_csv(path, index=False)
    member = Member(name="xgboost", model="xgboost", encoding=encoding, early_stopping=True, params={"n_estimators": 20})  # type: ignore[arg-type]

    done = run_script(tmp_path, write_script(Recipe(members=[member], class_weight="balanced"), brief))

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, brief)
    oof, _, _ = outputs(tmp_path)
    told = oof[["ant", "bee", "None"]].astype(float).to_numpy().argmax(axis=1)
    red = (train["color"] == "red").to_numpy()
    assert np.mean(told[red] == 2) > 0.9
    assert np.mean(told[~red] == 0) > 0.9


@pytest.mark.skipif(find_spec("torch") is None, reason="the extra nets is not installed")
@pytest.mark.parametrize(
    ("kind", "prediction", "metric"),
    [pytest.param(TargetKind.REGRESSION, "number", "mae", marks=pytest.mark.slow), (TargetKind.BINARY, "probability", "roc_auc")],
)
def test_a_network_learns_and_its_seed_decides_everything(tmp_path: Path, kind: TargetKind, prediction: str, metric: str) -> None:
    task = make_task(tmp_path, kind, prediction, metric, rows=300)
    script = write_script(Recipe(members=[Member(name="net", model="tabular_net", params={"epochs": 10, "width": 32})]), task)
    found = []
    for seed in ("0", "0", "1"):
        done = run_script(tmp_path, script, GOME_SEED=seed, GOME_CPUS="1")
        assert done.returncode == 0, done.stderr[-2000:]
        found.append(outputs(tmp_path)[0])
    check_outputs(tmp_path, task)

    assert found[0].equals(found[1])
    assert not found[0].equals(found[2])
    told, truth = found[0]["y"].astype(float), pd.read_csv(tmp_path / "input" / "train.csv")["y"]
    truth = truth.astype(float) if kind is TargetKind.REGRESSION else (truth.astype(str) == "True").astype(float)
    assert np.corrcoef(told, truth)[0, 1] > 0.4
