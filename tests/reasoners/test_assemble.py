"""An ensemble over what all traces have fitted: chosen on kept predictions, promised in noise units, written with views."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gome_graph.reasoners.rules.catalog.assemble import MOST_MEMBERS, TECHNIQUES
from gome_graph.reasoners.rules.recipe import FeatureStep, Recipe
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.reasoners.rules.writer import member_key, write_script
from gome_graph.records import TargetKind
from tests.reasoners.kept import library_of, noisy_library
from tests.reasoners.synthetic import make_task
from tests.reasoners.test_writer import one

(ASSEMBLE,) = TECHNIQUES
ROWS = 600


def world(tmp_path: Path, noises: dict[str, float], *, shared: float = 0.0, **limits: float) -> TechniqueContext:
    """Traces that each fitted one model to the same numbers, with errors of these sizes; every one after the first adds a feature.

    The first one is the incumbent.
    """
    brief = make_task(tmp_path, TargetKind.REGRESSION, "number", "rmse", rows=ROWS)
    recipes = [one(model) for model in noises]  # type: ignore[arg-type]
    for place, recipe in enumerate(recipes[1:], 1):
        step = FeatureStep(kind="frequency", columns=["city", "color"][: 1 + place % 2])
        recipes[place] = recipe.model_copy(update={"features": [step]})
    library = noisy_library(recipes, list(noises.values()), shared=shared, rows=ROWS)
    return TechniqueContext(task=brief, recipe=recipes[0], library=library, **limits)  # type: ignore[arg-type]


def test_models_that_err_on_different_rows_are_joined_each_on_its_own_features(tmp_path: Path) -> None:
    context = world(tmp_path, {"lightgbm": 1.0, "extra_trees": 1.0, "linear": 1.0})

    variants = ASSEMBLE.variants(context)
    best = next(v for v in variants if v.recipe.blend == "greedy")

    assert [v.gain for v in variants] == sorted((v.gain or 0.0 for v in variants), reverse=True)
    assert sorted(m.model for m in best.recipe.members) == ["extra_trees", "lightgbm", "linear"]
    views = {m.model: best.recipe.views[m.view].features if m.view else [] for m in best.recipe.members}
    assert views["lightgbm"] == []
    assert views["extra_trees"] != views["linear"]
    assert best.gain is not None
    assert best.gain > 5
    assert best.success == 0.9
    keys = {member_key(best.recipe, m) for m in best.recipe.members}
    assert keys == context.kept, "every member is taken over, none is fitted again"
    assert "def add_features_b(data)" in write_script(best.recipe, context.task)


def test_a_model_that_adds_nothing_is_left_out(tmp_path: Path) -> None:
    context = world(tmp_path, {"lightgbm": 0.5, "extra_trees": 0.5, "knn": 20.0})

    assert all("knn" not in {m.model for m in v.recipe.members} for v in ASSEMBLE.variants(context))


def test_twins_are_not_worth_an_ensemble(tmp_path: Path) -> None:
    assert ASSEMBLE.variants(world(tmp_path, {"lightgbm": 1.0, "extra_trees": 1.0, "linear": 1.0}, shared=1.0)) == []


def test_nothing_is_offered_where_nothing_is_kept(tmp_path: Path) -> None:
    context = world(tmp_path, {"lightgbm": 1.0, "extra_trees": 1.0})

    assert ASSEMBLE.variants(replace(context, library=None)) == []
    assert ASSEMBLE.variants(replace(context, recipe=one("catboost"))) == [], "the incumbent's own predictions are not there"


def test_solutions_on_another_scale_stay_apart(tmp_path: Path) -> None:
    context = world(tmp_path, {"lightgbm": 1.0, "extra_trees": 1.0})
    logged = context.recipe.model_copy(update={"target_transform": "log1p"})

    assert ASSEMBLE.variants(replace(context, recipe=logged)) == []


def test_an_ensemble_keeps_within_what_can_be_fitted_again_at_the_end(tmp_path: Path) -> None:
    noises = {"lightgbm": 1.0, "catboost": 1.0, "extra_trees": 1.0, "linear": 1.0}
    free = ASSEMBLE.variants(world(tmp_path / "a", noises))[0]
    tight = ASSEMBLE.variants(world(tmp_path / "b", noises, final_limit=2.75))

    assert len(free.recipe.members) == 4
    assert all(len(v.recipe.members) < 4 for v in tight)


def test_there_is_an_end_to_members(tmp_path: Path) -> None:
    models = ["lightgbm", "catboost", "hist_gradient_boosting", "extra_trees", "random_forest", "linear", "knn", "svm", "mlp"]
    context = world(tmp_path, dict.fromkeys(models, 1.0))

    assert all(len(v.recipe.members) <= MOST_MEMBERS for v in ASSEMBLE.variants(context))


@pytest.mark.parametrize(
    ("kind", "prediction", "metric", "shape"),
    [(TargetKind.BINARY, "probability", "roc_auc", (ROWS, 2)), (TargetKind.MULTILABEL, "probability", "roc_auc", (ROWS, 2)),
     (TargetKind.ORDINAL, "label", "qwk", (ROWS,)), (TargetKind.MULTI_REGRESSION, "number", "rmse", (ROWS, 2))],
)  # fmt: skip
def test_every_kind_of_prediction_can_be_joined(
    tmp_path: Path, kind: TargetKind, prediction: str, metric: str, shape: tuple[int, ...]
) -> None:
    brief = make_task(tmp_path, kind, prediction, metric, rows=ROWS)
    rng = np.random.default_rng(0)
    recipes: list[Recipe] = [one(m) for m in ("lightgbm", "extra_trees")]  # type: ignore[arg-type]
    if kind is TargetKind.ORDINAL:
        recipes = [r.model_copy(update={"decision": "round"}) for r in recipes]
    width = shape[1] if len(shape) > 1 and kind is not TargetKind.BINARY else 0
    truth = rng.integers(0, 2, size=(ROWS, width) if width else ROWS)
    spread = truth[..., None] == np.arange(2) if kind is TargetKind.BINARY else truth
    library = library_of(recipes, truth, [0.1 * spread + 0.9 * rng.random(spread.shape) for _ in recipes])
    context = TechniqueContext(task=brief, recipe=recipes[0], library=library)

    best = ASSEMBLE.variants(context)[0]

    assert [m.model for m in best.recipe.members] in (["lightgbm", "extra_trees"], ["extra_trees", "lightgbm"])
