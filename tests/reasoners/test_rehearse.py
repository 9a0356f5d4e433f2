"""A rehearsed blend is what the script's own blend comes to, and its promise is what the paired test will see."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gome_graph.reasoners.rules.catalog.ensemble import TECHNIQUES
from gome_graph.reasoners.rules.recipe import Blend, Recipe
from gome_graph.reasoners.rules.rehearse import Stage, _disorder, blended, gain_of, promise
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.reasoners.rules.writer import member_key, write_script
from gome_graph.records import TargetKind
from tests.reasoners.kept import library_of
from tests.reasoners.synthetic import make_task
from tests.reasoners.test_writer import one

ROWS = 400
(WEIGHTS,) = [technique for technique in TECHNIQUES if technique.name == "blend_weights"]


def a_world(
    folder: Path, kind: TargetKind, prediction: str, metric: str, blend: Blend, noises: tuple[float, ...] = (0.5, 1.0, 3.0)
) -> tuple[TechniqueContext, list[Any]]:
    """Three models with errors of these sizes, blended; folds 0 and 1."""
    brief = make_task(folder, kind, prediction, metric, rows=ROWS)
    rng = np.random.default_rng(1)
    models = ["lightgbm", "extra_trees", "linear"]
    if kind is TargetKind.REGRESSION:
        truth: Any = rng.normal(size=ROWS)
        oofs = [0.8 * truth + noise * rng.normal(size=ROWS) for noise in noises]
    else:
        classes = len(brief.profile.target.classes)
        truth = rng.integers(0, classes, size=ROWS)
        raw = [np.exp(1.5 * np.eye(classes)[truth] + noise * rng.normal(size=(ROWS, classes))) for noise in noises]
        oofs = [values / values.sum(axis=1, keepdims=True) for values in raw]
    recipes = [one(model) for model in models]  # type: ignore[arg-type]
    library = library_of(recipes, truth, oofs)
    library.folds[:] = np.arange(ROWS) % 2
    recipe = Recipe(members=[r.members[0] for r in recipes], blend=blend)
    kept = library.kept.keys()
    assert all(member_key(recipe, member) in kept for member in recipe.members)
    return TechniqueContext(task=brief, recipe=recipe, library=library), oofs


@pytest.mark.parametrize("blend", ["greedy", "stack"])
@pytest.mark.parametrize(
    ("kind", "prediction", "metric"),
    [(TargetKind.REGRESSION, "number", "rmse"), (TargetKind.MULTICLASS, "probabilities", "log_loss"),
     (TargetKind.BINARY, "label", "accuracy")],
)  # fmt: skip
def test_a_rehearsal_comes_to_what_the_script_blends(tmp_path: Path, blend: Blend, kind: TargetKind, prediction: str, metric: str) -> None:
    context, oofs = a_world(tmp_path, kind, prediction, metric, blend)
    stage = Stage.of(context.recipe, context)
    assert stage is not None
    space: dict[str, Any] = {"__name__": "read"}
    exec(compile(write_script(context.recipe, context.task), "solution.py", "exec"), space)
    space["record"] = lambda **_: None
    codes = stage.truth if kind is TargetKind.REGRESSION else stage.truth.astype(int)
    parts = {member.name: oof for member, oof in zip(context.recipe.members, oofs, strict=True)}

    script, _ = space["blend"](parts, {name: oof[:5] for name, oof in parts.items()}, codes, np.arange(ROWS) % 2)
    rehearsed = blended([stage.part(oof) for oof in oofs], blend, stage)

    assert rehearsed is not None
    loss = [float(stage.losses(stage.signal(values)).mean()) for values in (script, rehearsed)]
    assert loss[1] == pytest.approx(loss[0], rel=0.01)
    assert np.corrcoef(np.ravel(script), np.ravel(rehearsed))[0, 1] > 0.995


def test_a_worse_way_to_blend_is_not_offered_and_a_better_one_is_promised(tmp_path: Path) -> None:
    spread = (0.3, 0.3, 30.0)  # a mean is ruled by the worst of the three
    bad, _ = a_world(tmp_path / "a", TargetKind.REGRESSION, "number", "rmse", "mean", spread)
    good, _ = a_world(tmp_path / "b", TargetKind.REGRESSION, "number", "rmse", "greedy", spread)

    better = {v.params["blend"]: v for v in WEIGHTS.variants(bad)}

    assert set(better) == {"greedy", "stack"}
    assert all(v.gain is not None and v.gain > 3 and v.success == promise(v.gain) for v in better.values())
    assert "mean" not in {v.params["blend"] for v in WEIGHTS.variants(good)}


def test_the_row_terms_of_the_area_under_the_curve(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(300) < 0.3
    scores = np.round(positive + rng.normal(size=300), 1)  # with ties
    pairs = scores[positive][:, None] - scores[~positive][None]
    area = float(((pairs > 0) + 0.5 * (pairs == 0)).mean())

    terms = _disorder(scores, positive)

    assert terms.mean() == pytest.approx(1 - area)
    placed = ((pairs > 0) + 0.5 * (pairs == 0)).astype(float)
    delong = placed.mean(axis=1).var() / positive.sum() + placed.mean(axis=0).var() / (~positive).sum()
    assert terms.var() / 300 == pytest.approx(delong, rel=1e-6)
    assert _disorder(scores, np.ones(300, dtype=bool)).sum() == 0


def test_a_promise_is_the_gain_in_noise_units_of_all_rows(tmp_path: Path) -> None:
    context, _ = a_world(tmp_path, TargetKind.REGRESSION, "number", "rmse", "mean")
    stage = Stage.of(context.recipe, context)
    assert stage is not None
    before = np.random.default_rng(0).normal(1.0, 1.0, ROWS)

    assert gain_of(before, before, stage) == 0.0
    gain = gain_of(before + 0.1 * np.arange(ROWS) % 0.7, before, stage)
    assert gain > 5
    assert gain_of(before, before + 0.1 * np.arange(ROWS) % 0.7, stage) == pytest.approx(-gain)
    assert (promise(-5.0), promise(9.0)) == (0.05, 0.9)
