"""Choice: the mix of challenges, probabilities of acceptance, costs, momentum."""

from dataclasses import replace

import pytest

from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.choose import REPEAT_FACTOR, acceptance, alike, challenge_mix, momentum_factor, novelty, rank
from gome_graph.reasoners.rules.cost import predict_cost
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.technique import TechniqueContext, Variant
from gome_graph.records import BudgetStage, Component, Experience, FoldFacts, Hypothesis, Momentum, Recalled, VerdictKind, step_id
from tests.reasoners.kept import noisy_library
from tests.reasoners.planted import NUMBERS, brief, finding, recipe, step, view

BY_NAME = {t.name: t for t in BUILT_IN}
BAG = BY_NAME["seed_bagging"]


def steps(accepted: int, failed: int) -> list:  # type: ignore[type-arg]
    return [step(f"a{n}", None, "accepted") for n in range(accepted)] + [step(f"f{n}", None, "not_better") for n in range(failed)]


@pytest.mark.parametrize(
    ("accepted", "failed", "mix"), [(0, 0, (3, 0)), (2, 0, (3, 0)), (2, 1, (2, 1)), (4, 2, (1, 2)), (5, 5, (0, 3)), (9, 9, (0, 3))]
)
def test_scenario_challenges_give_way_to_feedback(accepted: int, failed: int, mix: tuple[int, int]) -> None:
    assert challenge_mix(steps(accepted, failed)) == mix


def test_acceptance_rises_with_success_and_match_and_falls_with_failure() -> None:
    plain = acceptance(BAG, BAG.prior_success, 0.0, [])
    assert plain == pytest.approx(BAG.prior_success)
    assert acceptance(BAG, BAG.prior_success, 0.0, [step("x", BAG.name, "accepted")]) > plain
    assert acceptance(BAG, BAG.prior_success, 0.8, []) > plain
    once, crash = (acceptance(BAG, BAG.prior_success, 0.0, [step("x", BAG.name, outcome)]) for outcome in ("not_better", "crashed"))
    assert plain > once > crash
    assert acceptance(BAG, BAG.prior_success, 0.0, [step("x", BAG.name, "stopped")]) == plain


def test_acceptance_stays_inside_zero_and_one() -> None:
    worst = [step(f"x{n}", BAG.name, "crashed") for n in range(50)]
    best = [step(f"x{n}", BAG.name, "accepted") for n in range(50)]
    assert 0 < acceptance(BAG, BAG.prior_success, 0.0, worst) < 0.1
    assert 0.9 < acceptance(BAG, BAG.prior_success, 1.0, best) < 1


def test_more_work_is_predicted_to_cost_more() -> None:
    here = view()
    bagged, both = recipe(seeds=3), recipe("lightgbm", "catboost")
    assert predict_cost(bagged, here).seconds > 1.9 * predict_cost(recipe(), here).seconds
    assert predict_cost(both, here).seconds > predict_cost(recipe(), here).seconds


def test_catboost_costs_more_than_in_proportion_only_where_it_combines_categories() -> None:
    def growth(**params: int) -> float:
        short, long = (recipe("catboost").with_params("catboost", iterations=n, **params) for n in (150, 300))
        return predict_cost(long, view(of=short)).seconds / predict_cost(short, view(of=short)).seconds

    assert growth(max_ctr_complexity=3) > 2.5
    assert growth() < 2.0


def test_an_unchanged_recipe_is_predicted_to_cost_what_was_measured() -> None:
    assert predict_cost(recipe(), view(incumbent_seconds=42.0)).seconds == pytest.approx(42.0, rel=0.02)


def test_a_members_own_time_is_what_dropping_it_saves() -> None:
    blended = recipe("lightgbm", "linear")
    folds = [FoldFacts(fold=f, model=m, seconds=s) for f in range(5) for m, s in (("lightgbm", 5.0), ("linear", 1.0))]
    here = view(of=blended, incumbent_seconds=33.0)
    assert here.pack is not None
    timed = view(of=blended, incumbent_seconds=33.0, pack=here.pack.model_copy(update={"folds": folds}))
    assert predict_cost(recipe("linear"), timed).seconds < 33.0 - 20.0
    assert predict_cost(recipe("lightgbm"), timed).seconds > 25.0


def test_what_costs_too_much_is_left_out() -> None:
    ranked = rank(BUILT_IN, view(time_limit=15.0), [])
    assert ranked
    assert all(c.hypothesis.cost_seconds <= 12.0 for c in ranked)
    assert not rank(BUILT_IN, view(seconds_left=1.0), [])


def test_taken_titles_are_left_out() -> None:
    first = rank(BUILT_IN, view(), [])[0]
    rest = rank(BUILT_IN, view(), [step(first.hypothesis.title)])
    assert first.hypothesis.title not in {c.hypothesis.title for c in rest}


def test_a_severe_finding_moves_its_technique_up() -> None:
    late = steps(4, 4)

    def place(severity: float) -> int:
        ranked = rank(BUILT_IN, view(brief(NUMBERS), findings=[finding("overfit", severity)]), late)
        return [c.technique.name for c in ranked].index("stronger_regularisation")

    assert place(1.0) < place(0.0)


def test_stages_prefer_what_belongs_to_them() -> None:
    def place(stage: BudgetStage) -> int:
        return [c.technique.name for c in rank(BUILT_IN, view(brief(NUMBERS), stage=stage), [])].index("seed_bagging")

    assert place(BudgetStage.ENSEMBLE) < place(BudgetStage.DRAFT)


def test_an_untouched_component_is_novel() -> None:
    worked = [step("x", "a", component=Component.FEATURES)] * 4
    assert novelty(BY_NAME["split_compound"], worked) < novelty(BAG, worked) == 1.0


def recalled(
    title: str, technique: str, z: float, verdict: VerdictKind, *, task: str = "planted", findings: tuple[str, ...] = ()
) -> Recalled:
    then = Experience(
        key="k", run="r", trace=0, step=step_id(0, 1), task=task, findings=list(findings), gain_in_noise=z, verdict=verdict,
        hypothesis=Hypothesis(title=title, rationale="", component=Component.MODEL, technique=technique),
    )  # fmt: skip
    return Recalled(experience=then, similarity=0.8, weight=1.0, probability=0.5)


def factor(momentum: Momentum, findings: tuple[str, ...] = ("overfit",)) -> float:
    hypothesis = Hypothesis(title="Do it", rationale="", component=Component.MODEL, technique="it")
    return momentum_factor(hypothesis, momentum, [finding(f) for f in findings], "planted")


def test_momentum_raises_what_worked_and_lowers_what_failed() -> None:
    worked = recalled("Do it more", "it", 5.0, VerdictKind.ACCEPTED, task="other")
    failed = recalled("Do it more", "it", -2.0, VerdictKind.NOT_BETTER, task="other", findings=("overfit",))
    assert factor(Momentum(successes=[worked])) > 1.0 == factor(Momentum()) > factor(Momentum(failures=[failed]))


def test_failures_under_other_findings_count_less() -> None:
    same, other = (recalled("Do it", "it", -2.0, VerdictKind.NOT_BETTER, task="other", findings=(f,)) for f in ("overfit", "underfit"))
    assert factor(Momentum(failures=[same])) < factor(Momentum(failures=[other])) < 1.0
    assert alike({"a"}, {"a"}) > alike({"a"}, {"b"})


def test_the_same_failure_on_the_same_task_leaves_next_to_nothing() -> None:
    failed = recalled("Do it", "it", -2.0, VerdictKind.NOT_BETTER)
    assert factor(Momentum(failures=[failed])) == pytest.approx(REPEAT_FACTOR)


def test_momentum_looks_at_noise_units_only() -> None:
    """Scaling or flipping the metric changes the raw gain, never the weight (behaviour 3)."""
    worked = recalled("x", "it", 5.0, VerdictKind.ACCEPTED)
    scaled = worked.model_copy(update={"experience": worked.experience.model_copy(update={"gain": -1e6})})
    assert factor(Momentum(successes=[worked])) == factor(Momentum(successes=[scaled]))


def test_a_recipe_that_does_not_hold_together_is_left_out_and_harms_no_other() -> None:
    def broken(of: Recipe, context: TechniqueContext) -> list[Variant]:
        return [Variant(of.with_member(Member(name="lost", model="knn", view="nowhere")))]

    faulty = replace(BAG, name="faulty", change=broken)
    library = noisy_library([recipe()], [1.0])

    ranked = rank([faulty, BAG], replace(view(), library=library), [])

    assert {c.technique.name for c in ranked} == {BAG.name}


def test_what_any_trace_has_scored_is_not_proposed_again() -> None:
    bagged = recipe(seeds=3)
    before = rank([BAG], view(), [])
    after = rank([BAG], replace(view(), library=noisy_library([recipe(), bagged], [1.0, 1.0])), [])

    assert [c.variant.recipe for c in before] == [bagged]
    assert after == []
