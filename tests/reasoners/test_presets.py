"""Settings that follow the shape of the data, and what techniques and costs make of them."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.catalog.common import effective
from gome_graph.reasoners.rules.cost import boosting_rounds, member_units
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.writer import draft_recipes, write_script
from gome_graph.reasoners.rules.writer.estimators import estimator
from gome_graph.reasoners.rules.writer.presets import column_share, leaves
from gome_graph.records import TargetKind
from tests.reasoners.planted import NUMBERS, brief, column, recipe, view
from tests.reasoners.synthetic import AWKWARD, check_outputs, make_task, outputs, run_script

LIGHTGBM = Member(name="lightgbm", model="lightgbm")


@pytest.mark.parametrize("model", ["lightgbm", "xgboost", "hist_gradient_boosting", "catboost"])
@pytest.mark.parametrize("rows", [1_000, 5_000, 20_000])
@pytest.mark.parametrize("classes", [["a", "b"], [str(n) for n in range(6)]])
def test_the_cost_model_counts_the_rounds_that_are_written(model: str, rows: int, classes: list[str]) -> None:
    task = brief(NUMBERS, rows=rows)
    facts = task.profile.target.model_copy(
        update={"classes": classes, "kind": TargetKind.BINARY if len(classes) == 2 else TargetKind.MULTICLASS}
    )
    task = replace(task, profile=task.profile.model_copy(update={"target": facts}))
    member = Member(name="m", model=model)  # type: ignore[arg-type]

    written = effective(member, view(task))

    rounds = next(written[key] for key in ("n_estimators", "max_iter", "iterations") if key in written)
    assert boosting_rounds(member, task.profile) == rounds


def test_wide_tables_are_sampled_narrowly_and_many_rows_grow_large_trees() -> None:
    narrow = effective(LIGHTGBM, view(brief(NUMBERS, rows=1_000)))
    wide = effective(LIGHTGBM, view(brief([column(f"x{n}") for n in range(40)], rows=20_000)))

    assert narrow["colsample_bytree"] > 2 * wide["colsample_bytree"]
    assert 2 * narrow["num_leaves"] < wide["num_leaves"]
    assert 0 < column_share(1_000) < column_share(1) <= 1
    assert all(leaves(classes, 100) < leaves(classes, 1_000_000) for classes in (0, 2))
    assert leaves(2, 5_000) < leaves(0, 5_000), "numbers carry more signal a row than labels"


def test_a_feature_step_changes_no_setting_of_a_model(tmp_path: Path) -> None:
    task = make_task(tmp_path)
    plain = Recipe(members=[LIGHTGBM])
    share = re.compile(r"colsample_bytree=[\d.]+")

    crowded = plain.with_feature("date_parts", ["when"]).with_feature("split_compound", ["code"], separator="/", parts=3)

    assert share.findall(write_script(plain, task)) == share.findall(write_script(crowded, task))


@pytest.mark.parametrize("rows", [1_000, 20_000])
@pytest.mark.parametrize("model", ["lightgbm", "hist_gradient_boosting", "xgboost"])
def test_more_capacity_never_offers_smaller_trees(rows: int, model: str) -> None:
    technique = next(t for t in BUILT_IN if t.name == "more_capacity")
    context = view(brief(NUMBERS, rows=rows), recipe(model))
    key = {"lightgbm": "num_leaves", "hist_gradient_boosting": "max_leaf_nodes", "xgboost": "max_depth"}[model]
    now = effective(context.recipe.members[0], context)[key]

    offered = [variant.recipe.members[0].params[key] for variant in technique.variants(context)]

    assert offered
    assert all(size > now for size in offered)


def test_small_trees_are_cheaper() -> None:
    profile = brief(NUMBERS, rows=5_000).profile
    large = LIGHTGBM.model_copy(update={"params": {"num_leaves": 63}})

    assert member_units(LIGHTGBM, profile, 1) < member_units(large, profile, 1)


def test_curves_and_kernels_follow_what_is_not_straight(tmp_path: Path) -> None:
    """A valley (squares of two numbers), a column that is mostly zero and one without any value."""
    task = make_task(tmp_path, TargetKind.REGRESSION, "number", "rmse", rows=400)
    path = tmp_path / "input" / "train.csv"
    train = pd.read_csv(path)
    train["y"] = train[AWKWARD].fillna(0) ** 2 + train["plain b"] ** 2
    train.to_csv(path, index=False)
    members = {
        "straight": Member(name="m", model="linear"), "curves": Member(name="m", model="linear", scaling="spline"),
        "kernel": Member(name="m", model="nystroem", scaling="quantile"),
    }  # fmt: skip
    errors = {}
    for word, member in members.items():
        done = run_script(tmp_path, write_script(Recipe(members=[member]), task))
        assert done.returncode == 0, done.stderr[-2000:]
        check_outputs(tmp_path, task)
        errors[word] = float(np.sqrt(np.mean((outputs(tmp_path)[0]["y"].astype(float).to_numpy() - train["y"]) ** 2)))

    assert errors["curves"] < 0.6 * errors["straight"]
    assert errors["kernel"] < 0.9 * errors["straight"]


def test_first_drafts_use_curves_where_the_data_bear_them() -> None:
    def scaling(task: TaskBrief) -> str:
        return next(r.members[0].scaling for r in draft_recipes(task) if r.members[0].model == "linear")

    assert scaling(brief(NUMBERS, rows=1_000)) == "spline"
    assert scaling(brief(NUMBERS, rows=60)) == "standard"
    assert scaling(brief([column(f"x{n}") for n in range(300)], rows=1_000)) == "standard"


def test_catboost_combines_categories_only_when_asked_and_where_there_are_two(tmp_path: Path) -> None:
    technique = next(t for t in BUILT_IN if t.name == "more_capacity")
    words = [v.title for v in technique.variants(view(brief(), recipe("catboost")))]
    without = [v.title for v in technique.variants(view(brief(NUMBERS), recipe("catboost")))]
    script = write_script(recipe("catboost"), make_task(tmp_path))

    assert "catboost: combinations of categories" in words
    assert "catboost: combinations of categories" not in without
    assert "max_ctr_complexity=1" in script
    assert "max_ctr_complexity" not in write_script(
        recipe("catboost", features=[], drop=["color", "city", "flag", "code"]), make_task(tmp_path)
    )


@pytest.mark.parametrize("model", ["linear", "tfidf_linear", "nystroem"])
def test_a_penalty_survives_the_change_from_classes_to_numbers(model: str) -> None:
    """Grades are learnt as classes or by regression; what stands in the way of one must not crash the other."""
    told = {"classes": 5, "rows": 1_000, "metric": "qwk", "balanced": False}

    def penalty(params: dict[str, float], classes: int) -> dict[str, float]:
        made = estimator(Member(name="m", model=model, params=params), **{**told, "classes": classes})  # type: ignore[arg-type]
        last = made.positional[-1].keywords if model == "nystroem" else made.params
        return {key: last[key] for key in ("C", "alpha") if key in last}

    assert penalty({"C": 0.1}, 5) == {"C": 0.1}
    assert penalty({"C": 0.1}, 0) == {"alpha": 10.0}
    assert penalty({"alpha": 4.0}, 0) == {"alpha": 4.0}
    assert penalty({"alpha": 4.0}, 5) == {"C": 0.25}
