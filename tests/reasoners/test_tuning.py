"""Scripts that tune themselves: the search never sees a held-out row, repeats under a seed, and ends when time is short."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.reasoners.rules import packages
from gome_graph.reasoners.rules.catalog.tuning import TECHNIQUES
from gome_graph.reasoners.rules.cost import member_units
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.writer import write_script
from gome_graph.reasoners.rules.writer.presets import leaves
from gome_graph.records import TargetKind
from tests.reasoners.planted import brief, view
from tests.reasoners.synthetic import check_outputs, make_task, outputs, run_script

TUNED = Member(name="lightgbm", model="lightgbm", params={"n_estimators": 15}, trials=6)
needs_optuna = pytest.mark.skipif(find_spec("optuna") is None, reason="the extra tune is not installed")


@needs_optuna
def test_a_search_on_noise_gains_nothing_out_of_fold(tmp_path: Path) -> None:
    """Settings chosen on the folds that score them would beat chance here."""
    task = make_task(tmp_path, TargetKind.BINARY, "probability", "roc_auc", rows=500, noise=True)

    done = run_script(tmp_path, write_script(Recipe(members=[TUNED]), task), GOME_SEED="1")

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, task)
    truth = (pd.read_csv(tmp_path / "input" / "train.csv", dtype=str)["y"] == "True").to_numpy()
    score = outputs(tmp_path)[0]["y"].astype(float).rank().to_numpy()
    auc = (score[truth].sum() - truth.sum() * (truth.sum() + 1) / 2) / (truth.sum() * (~truth).sum())
    # One-sided: on noise, folds that learn the mean of the others fall below chance when they are pooled; only a leak rises above it.
    assert auc - 0.5 < 3 * 0.29 / np.sqrt(500 / 4)
    assert len(re.findall(r"LGBMClassifier: \{", done.stdout)) == 5  # a search a fold, each printed


@needs_optuna
def test_trials_count_so_a_seed_repeats_and_short_time_still_ends_well(tmp_path: Path) -> None:
    task = make_task(tmp_path, TargetKind.REGRESSION, "number", "rmse", rows=250)
    script = write_script(Recipe(members=[TUNED]), task)
    said = []
    for limit in ("600", "600", "0.001"):
        done = run_script(tmp_path, script, GOME_TIME_LIMIT=limit)
        assert done.returncode == 0, done.stderr[-2000:]
        check_outputs(tmp_path, task)
        said.append(done.stdout)

    assert said[0] == said[1]
    assert said[0] != said[2]  # one trial, the usual settings, was all there was time for
    assert said[2].count(f"'num_leaves': {leaves(0, 250)},") == said[2].count("'extra_trees': False") == 5


def test_the_search_is_offered_where_it_can_tell_and_its_cost_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    (technique,) = TECHNIQUES
    context = view(brief(rows=2_000))
    monkeypatch.setattr(packages, "installed", lambda package: False)
    assert not technique.variants(context)

    monkeypatch.setattr(packages, "installed", lambda package: package == "optuna")
    (variant,) = technique.variants(context)
    tuned, plain = variant.recipe.members[0], context.recipe.members[0]
    assert member_units(tuned, context.profile, 1) > 10 * member_units(plain, context.profile, 1)
    many = view(brief(rows=200_000)).profile
    assert member_units(tuned, many, 1) < 2 * member_units(plain, many, 1)  # a sample of the rows is searched
