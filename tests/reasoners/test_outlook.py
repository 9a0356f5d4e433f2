"""What a rehearsal with stand-ins says of further members, and what a change of a member without weight is worth."""

from dataclasses import replace
from pathlib import Path

import pytest

from gome_graph.reasoners.rules.catalog.common import added
from gome_graph.reasoners.rules.outlook import IDLE_FACTOR, Outlook
from gome_graph.reasoners.rules.recipe import FeatureStep, Member
from gome_graph.reasoners.rules.technique import TechniqueContext, Variant
from gome_graph.records import TargetKind
from tests.reasoners.planted import pack
from tests.reasoners.test_rehearse import a_world


@pytest.fixture
def alone(tmp_path: Path) -> TechniqueContext:
    """An incumbent of one LightGBM; extra trees that err elsewhere and a linear model that knows nothing have been fitted as well."""
    context, _ = a_world(tmp_path, TargetKind.REGRESSION, "number", "rmse", "greedy", (1.0, 1.0, 30.0))
    recipe = context.recipe.model_copy(update={"members": context.recipe.members[:1], "blend": "single"})
    return replace(context, recipe=recipe)


def with_model(context: TechniqueContext, model: str) -> Variant:
    return Variant(added(context.recipe, Member(name="new", model=model, params={"random_state": 7})))  # type: ignore[arg-type]


def test_a_member_whose_kind_has_helped_is_likelier_and_one_without_weight_is_not(alone: TechniqueContext) -> None:
    outlook = Outlook(alone)

    assert outlook.success(with_model(alone, "extra_trees"), 0.4) > 0.8
    assert outlook.success(with_model(alone, "linear"), 0.4) < 0.1


def test_a_kind_that_nobody_has_fitted_keeps_its_prior(alone: TechniqueContext) -> None:
    assert Outlook(alone).success(with_model(alone, "catboost"), 0.4) == 0.4


def test_other_changes_keep_their_prior(alone: TechniqueContext) -> None:
    more = with_model(alone, "linear").recipe.model_copy(update={"features": [FeatureStep(kind="row_stats")]})

    assert Outlook(alone).success(Variant(more), 0.4) == 0.4


def test_stand_ins_on_other_features_say_less(alone: TechniqueContext) -> None:
    elsewhere = replace(alone, recipe=alone.recipe.model_copy(update={"drop": ["a"]}))

    assert Outlook(elsewhere).success(with_model(elsewhere, "linear"), 0.4) == 0.4  # its own member has not been fitted like this


def test_changing_a_member_without_weight_is_seldom_worth_it(tmp_path: Path) -> None:
    context, _ = a_world(tmp_path, TargetKind.REGRESSION, "number", "rmse", "greedy")
    context = replace(context, pack=pack(context.task, weights={"lightgbm": 1.0, "extra_trees": 0.0, "linear": 0.0}))
    idle, busy = (Variant(context.recipe.with_params(name, seed=5)) for name in ("linear", "lightgbm"))

    assert Outlook(context).success(idle, 0.4) == pytest.approx(0.4 * IDLE_FACTOR)
    assert Outlook(context).success(busy, 0.4) == 0.4
