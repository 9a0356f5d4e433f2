"""Every technique of the built-in catalog: where it applies, where not, and that its changes are real."""

from dataclasses import replace

import pytest

from gome_graph.diagnosis.builtin import SYMPTOMS
from gome_graph.errors import PluginError
from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.recipe import Member, Recipe, TextSettings
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, collect
from gome_graph.records import ColumnKind, DataFacts, DiagnosticPack, FoldFacts, GroupFacts, SpreadFacts, TargetKind
from tests.reasoners.files import CITIES, CRYSTALS, PICTURES, RECORDS, SERIES, VISITS
from tests.reasoners.kept import noisy_library
from tests.reasoners.planted import LIST, NUMBERS, TABLE, TEXT, brief, column, finding, pack, recipe, view

BY_NAME = {t.name: t for t in BUILT_IN}

numbers = brief(NUMBERS)
seen = brief(NUMBERS, row_files=[PICTURES])
PICTURED = recipe().with_feature("image_files", ["id"], train=PICTURES.train, test=PICTURES.test, components=4)
PAIRS = brief([*TABLE, column("kind", ColumnKind.CATEGORY)])
CITY = [*NUMBERS, column("city", ColumnKind.CATEGORY)]
price = brief(TABLE, TargetKind.REGRESSION, "rmse", skew=3.0, nonnegative=True, integer=True)
texts = brief(TEXT, TargetKind.MULTICLASS, "log_loss", prediction="probabilities")
mixed = brief([*NUMBERS, *TEXT], TargetKind.BINARY, "roc_auc")
lists = brief(LIST, TargetKind.MULTICLASS, "accuracy")
text_model = recipe("tfidf_linear")
rare_model = Recipe(members=[Member(name="t", model="tfidf_linear", text=TextSettings(min_df=1))])
two = recipe("lightgbm", "linear")
idle = finding("wasted_time")
late = finding("slow")
owners = brief([*NUMBERS, column("owner", ColumnKind.CATEGORY, distinct=300)])
owned = finding("group_structure", columns=["owner"])


def kin(seen: float) -> DiagnosticPack:
    """Facts of a task whose test part shares that part of its owners with train."""
    owner = GroupFacts(column="owner", groups=300, rows_each=6.0, share=0.3, z=30.0, mixed=1.0, seen=seen)
    return pack(owners, tables=DataFacts(groups=[owner]))


PLANTED: dict[str, tuple[TechniqueContext, TechniqueContext]] = {
    # technique: (applies, does not apply)
    "assemble": (replace(view(price), library=noisy_library([recipe(), recipe("linear")], [1.0, 1.0])), view(price)),
    "geometry_files": (view(brief(NUMBERS, row_files=[CRYSTALS])), view(numbers)),
    "image_files": (view(brief(NUMBERS, row_files=[PICTURES])), view(numbers)),
    "json_files": (view(brief(NUMBERS, row_files=[RECORDS])), view(numbers)),
    "table_files": (view(brief(NUMBERS, row_files=[SERIES])), view(numbers)),
    "linked_table": (view(brief(CITY, linked_tables=[VISITS, CITIES])), view(numbers)),
    "split_compound": (view(), view(numbers)),
    "group_size": (view(), view(numbers)),
    "missing_indicators": (view(), view(numbers)),
    "impute_by_group": (view(), view(numbers)),
    "date_parts": (view(), view(numbers)),
    "date_cycles": (view(), view(numbers)),
    "input_lags": (view(), view(numbers)),
    "group_ranks": (view(), view(numbers)),
    "pair_counts": (view(PAIRS), view(numbers)),
    "encode_pairs": (view(PAIRS), view(PAIRS, recipe("linear"))),
    "drop_noise": (view(pack=pack(brief(), importance={"size": 0.9, "price": 0.1})), view(texts)),
    "restore_columns": (
        view(of=recipe(drop=["size"]), findings=[finding("unused_columns", columns=["size"])]),
        view(findings=[finding("unused_columns", columns=["size"])]),
    ),
    "codes_as_categories": (view(), view(numbers)),
    "hidden_numbers": (view(), view(numbers)),
    "row_totals": (view(), view(numbers)),
    "number_pairs": (view(numbers), view(texts, text_model)),
    "log_inputs": (view(of=recipe("linear")), view(of=recipe("lightgbm"))),
    "clip_inputs": (view(of=recipe("linear")), view(of=recipe("lightgbm"))),
    "group_relative": (view(), view(numbers)),
    "quantile_bins": (view(of=recipe("linear")), view(of=recipe("lightgbm"))),
    "cluster_feature": (view(), view(texts, text_model)),
    "principal_components": (view(brief([column(f"x{n}") for n in range(12)])), view(numbers)),
    "category_crosses": (view(brief([*TABLE, column("kind", ColumnKind.CATEGORY)])), view(numbers)),
    "frequency_encoding": (view(), view(numbers)),
    "target_encoding": (view(), view(numbers)),
    "onehot_encoding": (view(), view(numbers)),
    "ordinal_encoding": (view(), view(of=recipe("catboost"))),
    "text_embedding": (view(mixed), view(numbers)),
    "char_ngrams": (view(texts, text_model), view(numbers)),
    "text_panel": (view(texts, text_model), view(numbers)),
    "phrase_bayes": (view(texts, text_model), view(numbers)),
    "style_specialist": (view(texts, text_model), view(mixed)),
    "blend_in_characters": (view(texts, text_model), view(numbers)),
    "keep_case_and_punctuation": (view(texts, text_model), view(numbers)),
    "rare_words": (view(texts, text_model), view(texts, rare_model)),
    "fewer_words": (view(texts, text_model), view(numbers)),
    "longer_word_ngrams": (view(texts, text_model), view(numbers)),
    "binary_counts": (view(texts, text_model), view(numbers)),
    "list_items": (view(lists, text_model), view(texts, text_model)),
    "list_length": (view(lists, text_model), view(texts, text_model)),
    "text_statistics": (view(mixed), view(numbers)),
    "dense_text": (view(mixed), view(numbers)),
    "blend_families": (view(), view(of=recipe("lightgbm", "catboost", "linear"))),
    "switch_model": (view(), view(of=recipe("lightgbm", "linear"))),
    "text_specialist": (view(mixed), view(numbers)),
    "tabular_specialist": (view(mixed, text_model), view(numbers)),
    "slower_learning": (view(), view(of=recipe("linear"))),
    "more_rounds": (view(), view(of=recipe("linear"))),
    "fewer_rounds": (view(), view(of=recipe("linear"))),
    "early_stopping": (view(), view(brief(rows=300))),
    "stronger_regularisation": (view(), view(texts, recipe("naive_bayes"))),
    "more_capacity": (view(), view(texts, recipe("naive_bayes"))),
    "robust_loss": (view(price), view()),
    "usual_loss": (
        view(price, Recipe(members=[Member(name="m", model="lightgbm", objective="l1")]), findings=[finding("biased")]),
        view(price, findings=[finding("biased")]),
    ),
    "count_loss": (view(price), view(brief(TABLE, TargetKind.REGRESSION, "rmse"))),
    "class_weights": (view(brief(metric="f1", class_shares=[0.9, 0.1])), view(brief(metric="f1"))),
    "scaling": (view(of=recipe("knn")), view()),
    "target_transform": (view(price), view()),
    "target_clip": (view(price, findings=[finding("residual_outliers")]), view(price)),
    "threshold": (view(brief(metric="f1")), view(brief(metric="roc_auc"))),
    "class_multipliers": (view(lists, text_model), view()),
    "ordinal_cuts": (view(brief(target=TargetKind.ORDINAL, metric="qwk")), view()),
    "prediction_range": (view(price), view()),
    "calibration": (view(texts, text_model), view()),
    "seed_bagging": (view(), view(of=recipe("linear"))),
    "blend_weights": (view(of=recipe("lightgbm", "linear")), view()),
    "second_opinion": (view(), view(of=recipe("linear"))),
    "drop_idle_members": (
        view(of=two, findings=[idle], pack=pack(brief(), weights={"lightgbm": 1.0, "linear": 0.0})),
        view(of=two, findings=[idle], pack=pack(brief(), weights={"lightgbm": 0.5, "linear": 0.5})),
    ),
    "drop_slow_member": (view(of=recipe("lightgbm", "linear"), findings=[late]), view(of=recipe("lightgbm", "linear"))),
    "faster_boosting": (view(findings=[late]), view()),
    "smaller_vocabulary": (view(texts, text_model, findings=[late]), view(texts, text_model)),
    "entity_features": (view(owners, findings=[owned], pack=kin(0.9)), view(owners)),
    "forget_entity": (view(owners, findings=[owned], pack=kin(0.1)), view(owners, findings=[owned], pack=kin(0.9))),
    "count_twins": (view(findings=[finding("duplicated_rows")]), view()),
    "leave_out_leaks": (
        view(findings=[finding("leaking_column", columns=["rent"])]),
        view(findings=[finding("leaking_column", columns=["id"])]),
    ),
    "leave_out_drift": (view(findings=[finding("drift", columns=["rent", "size"])]), view()),
    "single_precision": (view(findings=[finding("wasted_memory")]), view(texts, text_model, findings=[finding("wasted_memory")])),
    "one_seed": (view(of=recipe(seeds=3), findings=[late]), view(findings=[late])),
    "blend_in_catboost": (view(), view(texts, text_model)),
    "blend_in_lightgbm": (view(of=recipe("linear")), view()),
    "blend_in_hist_gradient_boosting": (view(), view(of=recipe("hist_gradient_boosting"))),
    "blend_in_extra_trees": (view(), view(texts, text_model)),
    "blend_in_random_forest": (view(), view(texts, text_model)),
    "blend_in_linear": (view(), view(texts, text_model)),
    "blend_in_knn": (view(), view(brief(rows=80_000))),
    "blend_in_svm": (view(), view(brief(rows=8_000))),
    "blend_in_gaussian_process": (view(brief(NUMBERS, TargetKind.REGRESSION, "rmse", rows=500)), view(brief(rows=8_000))),
    "blend_in_mlp": (view(), view(brief(rows=200))),
    "blend_in_nb_svm": (view(texts, text_model), view(numbers)),
    "blend_in_tfidf_linear": (view(mixed), view(numbers)),
    "blend_in_naive_bayes": (view(texts, text_model), view(numbers)),
    "tune_settings": (view(), view(brief(rows=200))),
    "blend_in_nystroem": (view(), view(brief(rows=300))),
    "blend_in_tabular_net": (view(brief(rows=2_000)), view(brief(rows=300))),
    "blend_in_picture_net": (view(seen, PICTURED), view()),
    "blend_in_xgboost": (view(), view(of=recipe("xgboost"))),
    "blend_in_lda": (view(), view(price)),
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("every_package")
cases = pytest.mark.parametrize("name", sorted(BY_NAME))


def test_every_technique_has_a_planted_case() -> None:
    assert sorted(PLANTED) == sorted(BY_NAME)


@cases
def test_applies_where_it_should_and_not_elsewhere(name: str) -> None:
    yes, no = PLANTED[name]
    assert BY_NAME[name].variants(yes)
    assert not BY_NAME[name].variants(no)


@cases
def test_changes_are_real_distinct_and_pure(name: str) -> None:
    yes, _ = PLANTED[name]
    before = yes.recipe.model_dump_json()
    variants = BY_NAME[name].variants(yes)
    titles = [v.title or BY_NAME[name].title for v in variants]
    assert all(v.recipe != yes.recipe for v in variants)
    assert len(set(titles)) == len(titles)
    assert yes.recipe.model_dump_json() == before
    assert [v.recipe for v in BY_NAME[name].variants(yes)] == [v.recipe for v in variants]


@cases
def test_applied_to_its_own_result_it_never_offers_the_same_again(name: str) -> None:
    technique = BY_NAME[name]
    yes, _ = PLANTED[name]
    first = technique.variants(yes)[0]
    fields = {k: getattr(yes, k) for k in ("findings", "library", "pack", "siblings", "incumbent_seconds", "time_limit", "seconds_left")}
    again = technique.variants(TechniqueContext(task=yes.task, recipe=first.recipe, **fields))
    assert all(v.recipe != first.recipe for v in again)
    assert (first.title or technique.title) not in [v.title or technique.title for v in again]


@cases
def test_says_what_why_and_how_it_would_be_proven_wrong(name: str) -> None:
    technique = BY_NAME[name]
    assert technique.title
    assert technique.rationale.endswith(".")
    assert technique.direction
    assert technique.falsifier
    assert 0 < technique.prior_success < 1
    assert technique.prior_gain > 0
    assert set(technique.answers) <= set(SYMPTOMS)


def test_symptoms_that_can_be_treated_have_a_technique() -> None:
    treated = {s for t in BUILT_IN for s in t.answers}
    mended_by_another_direction = {s for s in SYMPTOMS if s.startswith("crash_")}
    assert set(SYMPTOMS) - treated <= mended_by_another_direction


def offered(symptom: str, context: TechniqueContext) -> dict[str, list[str]]:
    """Technique -> titles of its variants, among those that answer a symptom."""
    return {t.name: [v.title or t.title for v in t.variants(context)] for t in BUILT_IN if symptom in t.answers}


def test_errors_that_grow_with_the_prediction_offer_logs_of_a_target_that_is_not_skewed() -> None:
    even = brief(TABLE, TargetKind.REGRESSION, "rmse", skew=0.1, nonnegative=True)
    grown = pack(even, spread=[SpreadFacts(column="", share=0.2, z=20.0, ratio=4.0, rising=0.4)])
    there = offered("heteroscedastic", view(even, pack=grown, findings=[finding("heteroscedastic")]))
    assert "Fit the log of the target" in there["target_transform"]
    assert "Fit the log of the target" not in offered("heteroscedastic", view(even))["target_transform"]


def test_a_linear_member_under_an_absolute_metric_is_offered_its_loss_and_boosting_has_it_already() -> None:
    task = brief(TABLE, TargetKind.REGRESSION, "mae")
    mismatch = [finding("metric_mismatch")]
    assert offered("metric_mismatch", view(task, recipe("linear"), findings=mismatch))["robust_loss"] == [
        "Fit linear with a robust loss (lad)"
    ]
    assert offered("metric_mismatch", view(task, recipe("lightgbm"), findings=mismatch))["robust_loss"] == []


def test_lags_are_taken_within_the_entity_that_the_findings_name() -> None:
    task = brief([*TABLE, column("owner", ColumnKind.IDENTIFIER, distinct=300)])
    there = BY_NAME["input_lags"].variants(view(task, findings=[finding("time_structure", columns=["day"]), owned]))
    assert [v.recipe.features[-1].params["by"] for v in there] == ["owner", None]


def test_a_number_that_names_an_entity_is_read_as_a_name_only_if_the_test_part_has_it() -> None:
    task = brief([*NUMBERS, column("owner", distinct=300, integer=True)])
    titles = {
        seen: [v.title for v in BY_NAME["entity_features"].variants(view(task, findings=[owned], pack=kin(seen)))] for seen in (0.9, 0.1)
    }
    assert "Read owner as a name, not a quantity" in titles[0.9]
    assert "Read owner as a name, not a quantity" not in titles[0.1]


def test_a_suspected_leak_is_an_unlikely_variant_and_never_left_out_unasked() -> None:
    technique = BY_NAME["leave_out_leaks"]
    assert technique.challenge
    assert technique.prior_success <= 0.05
    assert [v.recipe.drop for v in technique.variants(view(findings=[finding("leaking_column", columns=["rent"])]))] == [["rent"]]


def test_class_weights_that_bias_probabilities_can_be_taken_away() -> None:
    task = brief(metric="log_loss", class_shares=[0.5, 0.5])
    there = offered("biased", view(task, recipe(class_weight="balanced"), findings=[finding("biased")]))
    assert there["class_weights"] == ["Take the class weights away"]
    assert offered("biased", view(task, findings=[finding("biased")]))["class_weights"] == []


def test_two_techniques_of_one_name_are_an_error_that_names_both_sources() -> None:
    one = BUILT_IN[0]
    with pytest.raises(PluginError, match=rf"plugin a and plugin b both offer a technique called '{one.name}'"):
        collect([("plugin a", [one]), ("plugin b", [one])])


def test_something_that_is_no_technique_is_refused() -> None:
    with pytest.raises(PluginError, match="must be a Technique"):
        collect([("plugin a", ["log1p"])])  # type: ignore[list-item]


def test_match_takes_the_strongest_answer() -> None:
    technique: Technique = BY_NAME["stronger_regularisation"]
    assert technique.match([finding("overfit", 0.5), finding("fold_variance", 0.1)]) == pytest.approx(0.45)
    assert technique.match([finding("crash_other", 1.0)]) == 0.0


def test_only_unused_columns_are_dropped_and_never_those_a_feature_needs() -> None:
    used = pack(brief(), importance={"size": 0.9, "price": 0.1}, folds=[FoldFacts(fold=0)])
    made = recipe().with_feature("ratio", ["age", "height"])
    dropped = BY_NAME["drop_noise"].variants(view(of=made, pack=used))[0].recipe.drop
    assert "food" in dropped
    assert not {"size", "price", "age", "height"} & set(dropped)
