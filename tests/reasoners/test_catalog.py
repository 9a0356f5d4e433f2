"""Every technique of the built-in catalog: where it applies, where not, and that its changes are real."""

from dataclasses import replace

import pytest

from gome_graph.diagnosis.builtin import SYMPTOMS
from gome_graph.errors import PluginError
from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.recipe import Member, Recipe, TextSettings
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, collect
from gome_graph.records import ColumnKind, FoldFacts, TargetKind
from tests.reasoners.files import CITIES, CRYSTALS, PICTURES, RECORDS, SERIES, VISITS
from tests.reasoners.kept import noisy_library
from tests.reasoners.planted import LIST, NUMBERS, TABLE, TEXT, brief, column, finding, pack, recipe, sibling, view

BY_NAME = {t.name: t for t in BUILT_IN}

numbers = brief(NUMBERS)
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
    "merge_sibling": (view(siblings=(sibling(of=recipe("linear")),)), view(siblings=(sibling(of=recipe()),))),
    "drop_idle_members": (
        view(of=two, findings=[idle], pack=pack(brief(), weights={"lightgbm": 1.0, "linear": 0.0})),
        view(of=two, findings=[idle], pack=pack(brief(), weights={"lightgbm": 0.5, "linear": 0.5})),
    ),
    "drop_slow_member": (view(of=recipe("lightgbm", "linear"), findings=[late]), view(of=recipe("lightgbm", "linear"))),
    "faster_boosting": (view(findings=[late]), view()),
    "smaller_vocabulary": (view(texts, text_model, findings=[late]), view(texts, text_model)),
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


def test_merging_keeps_both_sides_and_renames_what_clashes() -> None:
    theirs = recipe("lightgbm", "linear").with_params("lightgbm", num_leaves=7)
    merged = BY_NAME["merge_sibling"].variants(view(siblings=(sibling(of=theirs),)))[0].recipe
    assert [m.name for m in merged.members] == ["lightgbm", "lightgbm_2", "linear"]
    assert merged.member("lightgbm_2").params == {"num_leaves": 7}
    assert merged.blend == "greedy"


def test_only_unused_columns_are_dropped_and_never_those_a_feature_needs() -> None:
    used = pack(brief(), importance={"size": 0.9, "price": 0.1}, folds=[FoldFacts(fold=0)])
    made = recipe().with_feature("ratio", ["age", "height"])
    dropped = BY_NAME["drop_noise"].variants(view(of=made, pack=used))[0].recipe.drop
    assert "food" in dropped
    assert not {"size", "price", "age", "height"} & set(dropped)
