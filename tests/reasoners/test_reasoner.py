"""The rules reasoner: drafts, the gradient, proposals and patches."""

import ast
from dataclasses import replace

import pytest

from gome_graph.hooks import Reasoner, StepContext
from gome_graph.reasoners.rules.builtin import gome_reasoner, gome_techniques
from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.cost import recipe_units
from gome_graph.reasoners.rules.reasoner import RulesConfig, RulesReasoner
from gome_graph.reasoners.rules.state import recipe_of, why_of
from gome_graph.reasoners.rules.writer import draft_recipes, hurried
from gome_graph.records import (
    BudgetStage,
    Component,
    Evidence,
    Experience,
    Hypothesis,
    Momentum,
    Recalled,
    SliceFacts,
    StepSummary,
    TargetKind,
    VerdictKind,
    step_id,
)
from gome_graph.solution.patch import apply_patch
from tests.reasoners.planted import LIST, NUMBERS, TEXT, brief, context, finding, pack, recipe, sibling, solution, step

TASKS = {
    "table": brief(), "numbers": brief(NUMBERS, metric="roc_auc"),
    "regression": brief(target=TargetKind.REGRESSION, metric="rmse", skew=2.0),
    "text": brief(TEXT, TargetKind.MULTICLASS, "log_loss", prediction="probabilities"), "mixed": brief([*NUMBERS, *TEXT], metric="f1"),
    "lists": brief(LIST, TargetKind.MULTICLASS), "grades": brief(target=TargetKind.ORDINAL, metric="qwk"),
    "targets": brief(target=TargetKind.MULTI_REGRESSION, metric="rmse"),
}  # fmt: skip
reasoner = RulesReasoner()
every_task = pytest.mark.parametrize("task", TASKS)


def drafted(task: str = "table", **fields: object) -> StepContext:
    """A context whose incumbent is the reasoner's own draft."""
    made = reasoner.draft(context(TASKS[task], step=0, pack=None))
    return context(TASKS[task], **{"incumbent": made.solution, "latest": made.solution, **fields})


def take(here: StepContext, momentum: Momentum | None = None, by: RulesReasoner = reasoner):  # type: ignore[no-untyped-def]
    diagnosis = by.diagnose(here)
    return by.update(here, diagnosis, by.propose(here, diagnosis), momentum or Momentum())


def experience(title: str, technique: str, verdict: VerdictKind, z: float, component: Component = Component.MODEL) -> Recalled:
    then = Experience(
        key="r/0/1", run="r", trace=0, step=step_id(0, 1), task="planted", gain_in_noise=z, verdict=verdict,
        hypothesis=Hypothesis(title=title, rationale="", component=component, technique=technique),
    )  # fmt: skip
    return Recalled(experience=then, similarity=1.0, weight=1.0, probability=1.0)


def test_it_is_a_reasoner_offered_by_name() -> None:
    offer = next(iter(gome_reasoner()))
    made = offer.factory(offer.config(diagnosis=False), techniques=gome_techniques())  # type: ignore[misc]
    assert offer.name == "rules"
    assert isinstance(made, Reasoner)
    assert made.config.diagnosis is False


@every_task
def test_first_drafts_of_three_traces_span_two_families_and_compile(task: str) -> None:
    drafts = [reasoner.draft(context(TASKS[task], trace=t, step=0, pack=None)) for t in range(3)]
    assert len({d.hypothesis.family for d in drafts}) >= 2
    for d in drafts:
        ast.parse(d.solution.script)
        assert d.patch.whole == d.solution.script


def test_a_draft_avoids_the_families_of_siblings_in_flight() -> None:
    here = context(step=0, pack=None, siblings=[sibling(1, title="Draft with LightGBM"), sibling(2, of=recipe("linear"))])
    assert reasoner.draft(here).hypothesis.family not in {"boosting", "linear"}


def test_a_second_root_is_another_and_cheap_one() -> None:
    first = reasoner.draft(context(step=0, pack=None))
    second = reasoner.draft(context(step=1, pack=None, history=[step(first.hypothesis.title, outcome="crashed")]))
    assert second.hypothesis.title != first.hypothesis.title
    assert second.hypothesis.cost_seconds <= first.hypothesis.cost_seconds


def test_a_draft_that_ran_out_of_time_is_tried_again_with_fewer_steps_before_cheaper_kinds() -> None:
    first = reasoner.draft(context(step=0, pack=None))
    late = [step(first.hypothesis.title, outcome="timed_out")]
    second = reasoner.draft(context(step=1, pack=None, history=late))
    third = reasoner.draft(context(step=2, pack=None, history=[*late, step(second.hypothesis.title, outcome="timed_out")]))

    assert second.hypothesis.title == f"{first.hypothesis.title} in few, large steps"
    assert second.hypothesis.cost_seconds < first.hypothesis.cost_seconds
    assert third.hypothesis.family != first.hypothesis.family


def test_a_second_root_does_not_repeat_a_siblings_draft() -> None:
    text = TASKS["text"]
    drafts = [reasoner.draft(context(text, trace=n, step=0, pack=None)) for n in range(3)]
    others = [sibling(n, of=recipe_of(drafts[n].solution)) for n in (1, 2)]
    failed = [step(drafts[0].hypothesis.title, outcome="timed_out")]
    again = reasoner.draft(context(text, step=1, pack=None, history=failed, siblings=others))
    assert again.hypothesis.title not in {d.hypothesis.title for d in drafts}


@every_task
def test_a_step_patches_the_incumbent_into_a_script_that_compiles(task: str) -> None:
    here = drafted(task)
    update = take(here)
    assert here.incumbent is not None
    ast.parse(update.solution.script)
    assert update.patch.whole is None
    assert apply_patch(here.incumbent.script, update.patch) == update.solution.script
    assert update.solution.parent == here.incumbent.step
    assert recipe_of(update.solution) != recipe_of(here.incumbent)
    assert any(update.hypothesis.title in line for line in why_of(update.solution))


@every_task
def test_it_never_proposes_the_same_thing_twice_and_comes_to_an_end(task: str) -> None:
    here, titles, scripts = drafted(task), set(), set()
    tireless = RulesReasoner(RulesConfig(least_gain=0.0))
    for _ in range(400):
        update = take(here, by=tireless)
        if update is None:
            break
        assert update.hypothesis.title not in titles
        assert update.solution.script not in scripts
        titles.add(update.hypothesis.title)
        scripts.add(update.solution.script)
        component, technique = update.hypothesis.component, update.hypothesis.technique
        here = context(
            TASKS[task],
            incumbent=here.incumbent,
            history=[*here.history, step(update.hypothesis.title, technique, "not_better", component)],
        )
    assert update is None
    assert len(titles) > 5


def test_the_same_context_gives_the_same_answer() -> None:
    here = drafted(findings=[finding("overfit")])
    assert take(here) == take(drafted(findings=[finding("overfit")]))


def test_a_finding_leads_to_a_technique_that_answers_it() -> None:
    grown = drafted(findings=[finding("compound_columns", 0.6, columns=["label"])])
    diagnosis = reasoner.diagnose(grown)
    assert diagnosis.findings == ["compound_columns"]
    assert reasoner.propose(grown, diagnosis)[0].technique == "split_compound"


def test_findings_weigh_more_as_the_run_goes_on() -> None:
    late = [step(f"other {n}", None, "accepted") for n in range(8)]
    overfit = [finding("overfit", 1.0)]
    names = ("stronger_regularisation", "switch_model", "group_size", "row_totals")
    few = RulesReasoner(techniques=[t for t in BUILT_IN if t.name in names])

    def place(history: list) -> int:  # type: ignore[type-arg]
        here = context(incumbent=solution(recipe()), findings=overfit, history=history)
        return [h.technique for h in few.propose(here, few.diagnose(here))].index("stronger_regularisation")

    assert place(late) <= place([])


@every_task
def test_confidence_is_a_probability_and_cost_and_falsifier_are_stated(task: str) -> None:
    diagnosis = reasoner.diagnose(drafted(task))
    assert 0 < diagnosis.confidence < 1
    assert diagnosis.cost_seconds > 0
    assert diagnosis.expected_gain > 0
    assert diagnosis.falsifier
    assert diagnosis.cause


def test_all_evidence_resolves_and_what_does_not_is_dropped_and_counted() -> None:
    facts = pack(brief(), slices=[SliceFacts(column="size", value="1", rows=9, loss=1.0, rest=0.5, z=5.0, excess=0.1)])
    weak = finding("overfit", evidence=[Evidence(ref="slices.0.z", value=5.0), Evidence(ref="slices.7.z"), Evidence(ref="nowhere")])
    here = drafted(findings=[weak], pack=facts)
    only = RulesReasoner(techniques=[t for t in BUILT_IN if t.name == "stronger_regularisation"])
    diagnosis = only.diagnose(here)
    assert diagnosis.findings == ["overfit"]
    assert [e.ref for e in diagnosis.evidence] == ["slices.0.z"]
    assert diagnosis.unresolved_evidence == 2


def test_without_findings_there_is_still_evidence() -> None:
    diagnosis = reasoner.diagnose(drafted())
    assert [facts.ref for facts in diagnosis.evidence] == ["score.value"]


def test_confidence_follows_what_happened_in_this_run() -> None:
    def confidence(outcome: str) -> float:
        past = [step(f"old {n}", "split_compound", outcome, Component.FEATURES) for n in range(3)]
        here = drafted(findings=[finding("compound_columns", 1.0, columns=["label"])], hints=["split"], history=past)
        assert reasoner.propose(here, reasoner.diagnose(here))[0].technique == "split_compound"
        return reasoner.diagnose(here).confidence

    assert confidence("accepted") > confidence("not_better") > confidence("crashed")


def test_nothing_dearer_than_the_time_limit_is_proposed() -> None:
    free, tight = drafted(), drafted(time_limit=12.0, incumbent_seconds=10.0)
    assert all(h.cost_seconds <= 0.8 * 12.0 for h in reasoner.propose(tight, reasoner.diagnose(tight)))
    assert any(h.cost_seconds > 0.8 * 12.0 for h in reasoner.propose(free, reasoner.diagnose(free)))


def test_what_a_sibling_is_executing_is_not_proposed() -> None:
    best = reasoner.propose(drafted(), reasoner.diagnose(drafted()))[0].title
    here = drafted(siblings=[sibling(1, of=recipe("linear"), title=best)])
    assert best not in [h.title for h in reasoner.propose(here, reasoner.diagnose(here))]


def test_the_ensemble_stage_prefers_ensembles() -> None:
    here = drafted(stage=BudgetStage.ENSEMBLE, siblings=[sibling(1, of=recipe("linear"))])
    best = reasoner.propose(here, reasoner.diagnose(here))[0]
    assert best.component is Component.ENSEMBLE


def test_a_remembered_failure_on_this_task_is_not_repeated() -> None:
    here = drafted()
    first = take(here).hypothesis
    again = take(here, Momentum(failures=[experience(first.title, first.technique, VerdictKind.NOT_BETTER, -2.0)]))
    assert again.hypothesis.title != first.title


def test_a_remembered_success_is_imitated() -> None:
    pair = [t for t in BUILT_IN if t.name in ("number_pairs", "seed_bagging")]
    two = RulesReasoner(RulesConfig(least_gain=0.0), techniques=pair)
    here = drafted("numbers")
    diagnosis = two.diagnose(here)
    offered = two.propose(here, diagnosis)
    other = next(h for h in offered if h.technique != offered[0].technique)
    praise = Momentum(successes=[experience(other.title, other.technique or "", VerdictKind.ACCEPTED, 8.0, other.component)])
    plain, praised = (two.update(here, diagnosis, offered, momentum) for momentum in (Momentum(), praise))
    assert plain is not None
    assert praised is not None
    assert plain.hypothesis.technique == offered[0].technique
    assert praised.hypothesis.technique == other.technique


def test_a_hint_is_heard_and_a_forbidding_one_too() -> None:
    wish = drafted(hints=["try catboost please"])
    veto = drafted(hints=["never use catboost"])
    assert "CatBoost" in take(wish).hypothesis.title
    assert "CatBoost" not in take(veto).hypothesis.title


def test_after_a_crash_the_same_is_never_done_again() -> None:
    here = drafted()
    failed = take(here)
    after = drafted(
        latest=failed.solution, findings=[finding("crash_other", 1.0)],
        history=[step(failed.hypothesis.title, failed.hypothesis.technique, "crashed", failed.hypothesis.component)],
    )  # fmt: skip
    assert take(after).solution.script != failed.solution.script
    assert take(after).hypothesis.title != failed.hypothesis.title


def test_without_an_incumbent_it_proposes_a_root() -> None:
    here = context(history=[step("Draft with LightGBM", outcome="crashed")], findings=[finding("crash_memory", 1.0)])
    diagnosis = reasoner.diagnose(here)
    update = reasoner.update(here, diagnosis, reasoner.propose(here, diagnosis), Momentum())
    assert diagnosis.findings == ["crash_memory"]
    assert update is not None
    assert update.patch.whole is not None
    assert update.hypothesis.title != "Draft with LightGBM"


def test_the_ablation_ignores_findings_and_draws_by_seed() -> None:
    blind = RulesReasoner(RulesConfig(diagnosis=False))
    told, untold = drafted(findings=[finding("overfit")]), drafted()
    assert blind.propose(told, blind.diagnose(told)) == blind.propose(untold, blind.diagnose(untold))
    firsts = {blind.propose(drafted(seed=s), blind.diagnose(drafted(seed=s)))[0].title for s in range(8)}
    assert len(firsts) > 3


def test_a_catalog_of_a_plugin_replaces_the_built_in_one() -> None:
    only = RulesReasoner(techniques=[t for t in BUILT_IN if t.name == "seed_bagging"])
    here = drafted()
    assert [h.technique for h in only.propose(here, only.diagnose(here))] == ["seed_bagging"]


def test_near_misses_are_tried_together() -> None:
    def missed(title: str, technique: str, z: float) -> StepSummary:
        return step(title, technique).model_copy(update={"gain_in_noise": z})

    misses = [missed("Average over 3 seeds", "seed_bagging", 1.7), missed("Blend in CatBoost", "blend_in_catboost", 1.7)]
    here = drafted("numbers", history=misses)
    joint = [h for h in reasoner.propose(here, reasoner.diagnose(here)) if h.technique == "combine_near_misses"]
    assert [h.title for h in joint] == ["Together: Average over 3 seeds + Blend in CatBoost"]
    hopeless = drafted("numbers", history=[missed("Average over 3 seeds", "seed_bagging", -1.5), misses[1]])
    assert all(h.technique != "combine_near_misses" for h in reasoner.propose(hopeless, reasoner.diagnose(hopeless)))


def test_when_nothing_is_left_it_says_so() -> None:
    empty = RulesReasoner(techniques=[])
    here = drafted()
    diagnosis = empty.diagnose(here)
    assert empty.propose(here, diagnosis) == []
    assert empty.update(here, diagnosis, [], Momentum()) is None
    assert "left to try" in diagnosis.cause


def test_what_is_expected_to_gain_too_little_is_not_tried() -> None:
    here = drafted("numbers")
    hopeless = RulesReasoner(RulesConfig(least_gain=100.0))

    assert take(here, by=hopeless) is None
    assert "expected to gain 100 times the noise" in hopeless.diagnose(here).cause
    asked = replace(here, hints=["try average over seeds"])
    assert take(asked, by=hopeless).hypothesis.technique == "seed_bagging"
    assert take(replace(here, insisted=True), by=hopeless) is not None
    random = RulesReasoner(RulesConfig(least_gain=100.0, diagnosis=False))
    assert take(here, by=random) is not None


def test_what_is_expected_to_gain_enough_is_shown_first_and_memory_may_lift_the_rest() -> None:
    here = drafted("numbers")
    tireless = RulesReasoner(RulesConfig(least_gain=0.0))
    gains = sorted(h.expected_gain for h in tireless.propose(here, tireless.diagnose(here)))
    border = gains[len(gains) // 2]
    picky = RulesReasoner(RulesConfig(least_gain=border))

    shown = [h.expected_gain >= border for h in picky.propose(here, picky.diagnose(here))]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) == 2
    just_too_high = RulesReasoner(RulesConfig(least_gain=1.01 * gains[-1]))
    last = max(picky.propose(here, picky.diagnose(here)), key=lambda h: h.expected_gain)
    worked = Momentum(successes=[experience(last.title, str(last.technique), VerdictKind.ACCEPTED, 5.0)])
    assert take(here, by=just_too_high) is None
    assert take(here, worked, just_too_high).hypothesis.technique == last.technique


def test_a_trace_does_not_end_while_siblings_try_all_that_is_worth_it() -> None:
    here = drafted("numbers")
    first = max(reasoner.propose(here, reasoner.diagnose(here)), key=lambda h: h.expected_gain)
    picky = RulesReasoner(RulesConfig(least_gain=first.expected_gain))
    assert take(here, by=picky).hypothesis.title == first.title
    meanwhile = replace(here, siblings=[sibling(1, title=first.title)])
    update = take(meanwhile, by=picky)
    assert update is not None
    assert update.hypothesis.title != first.title


def test_what_failed_in_another_trace_is_not_tried_again_unless_it_was_a_near_miss() -> None:
    here = drafted("numbers")
    first = take(here).hypothesis
    for gain, again in ((-1.0, False), (1.5, True)):
        failed = Momentum(failures=[experience(first.title, first.technique, VerdictKind.NOT_BETTER, gain)])
        only = RulesReasoner(techniques=[t for t in BUILT_IN if t.name == first.technique])
        diagnosis = only.diagnose(here)
        offered = [h for h in only.propose(here, diagnosis) if h.title == first.title]
        assert (only.update(here, diagnosis, offered, failed) is not None) is again


def test_a_technique_of_a_plugin_is_tried_whatever_it_expects() -> None:
    bagging = next(t for t in BUILT_IN if t.name == "seed_bagging")
    own = RulesReasoner(RulesConfig(least_gain=100.0), techniques=[replace(bagging, name="our_bagging")])

    assert take(drafted("numbers"), by=own).hypothesis.technique == "our_bagging"


@pytest.mark.parametrize(("metric", "rare", "decision"), [("f1", 0.05, "threshold"), ("f1", 0.45, "auto"), ("accuracy", 0.05, "auto")])
def test_a_rare_class_that_the_metric_counts_is_cut_for_from_the_first_draft(metric: str, rare: float, decision: str) -> None:
    task = brief(NUMBERS, metric=metric, prediction="label", class_shares=[1 - rare, rare])

    assert {recipe.decision for recipe in draft_recipes(task)} == {decision}


def test_a_draft_of_boosting_is_hurried_where_the_time_is_short() -> None:
    task = brief(NUMBERS, TargetKind.REGRESSION, "rmse", rows=40_000)
    plain, quick = draft_recipes(task)[0], hurried(draft_recipes(task)[0], task)
    rounds = {key: quick.members[0].params[key] for key in ("n_estimators", "learning_rate")}

    assert plain.members[0].params == {}
    assert rounds["n_estimators"] < 200
    assert rounds["learning_rate"] > 0.1
    assert hurried(quick, task) == quick
    assert recipe_units(quick, task.profile) < 0.5 * recipe_units(plain, task.profile)
