"""The text of scripts: formatted, free of dead weight, deterministic, small changes for small changes."""

import ast
import difflib
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from gome_graph.reasoners.rules.recipe import Blend, Decision, Encoding, FeatureStep, Member, ModelKind, Recipe, TextSettings, View
from gome_graph.reasoners.rules.writer import draft_recipes, write_script
from gome_graph.reasoners.rules.writer.literals import Call, layout, packed, string
from gome_graph.records import TargetKind
from tests.reasoners.synthetic import AWKWARD, make_task

TASKS = [
    (TargetKind.BINARY, "label", "accuracy"),
    (TargetKind.BINARY, "probability", "roc_auc"),
    (TargetKind.BINARY, "probabilities", "log_loss"),
    (TargetKind.MULTICLASS, "label", "f1_macro"),
    (TargetKind.MULTICLASS, "probabilities", "log_loss_balanced"),
    (TargetKind.ORDINAL, "label", "qwk"),
    (TargetKind.REGRESSION, "number", "rmsle"),
    (TargetKind.REGRESSION, "number", "a_metric_of_a_plugin"),
    (TargetKind.MULTI_REGRESSION, "number", "rmse"),
    (TargetKind.MULTILABEL, "label", "f1_micro"),
    (TargetKind.MULTILABEL, "probability", "roc_auc"),
]
MODELS: list[ModelKind] = [
    "lightgbm", "catboost", "hist_gradient_boosting", "extra_trees", "random_forest", "linear", "knn", "svm", "gaussian_process", "mlp",
    "tfidf_linear", "xgboost", "nystroem", "tabular_net",
]  # fmt: skip
ENCODINGS: list[Encoding] = ["native", "ordinal", "onehot", "target", "frequency"]
BLENDS: list[Blend] = ["mean", "greedy", "stack"]
DECISIONS: list[Decision] = ["threshold", "class_weights", "cut_points", "expected", "clip", "round"]
FEATURES = [
    FeatureStep(kind="split_compound", columns=["code"], params={"separator": "/", "parts": 3, "numbers": [2]}),
    FeatureStep(kind="split_compound", columns=["id"], params={"separator": "_", "parts": 2}),
    FeatureStep(kind="missing_flags", columns=[AWKWARD, "code"]),
    FeatureStep(kind="missing_count"),
    FeatureStep(kind="date_parts", columns=["when"]),
    FeatureStep(kind="numeric_from_text", columns=["code"]),
    FeatureStep(kind="row_stats", columns=[AWKWARD, "plain b"], params={"stats": ["sum", "mean", "max", "std", "zeros"]}),
    FeatureStep(kind="ratio", columns=[AWKWARD, "plain b"]),
    FeatureStep(kind="difference", columns=[AWKWARD, "plain b"]),
    FeatureStep(kind="product", columns=[AWKWARD, "plain b"]),
    FeatureStep(kind="log1p", columns=["plain b"]),
    FeatureStep(kind="clip", columns=[AWKWARD]),
    FeatureStep(kind="group_size", columns=["id_1"], params={"name": "party"}),
    FeatureStep(kind="group_size", columns=["color", "city"]),
    FeatureStep(kind="group_mean", columns=["city"], params={"values": [AWKWARD, "plain b"]}),
    FeatureStep(kind="group_mean", columns=["code_1"], params={"values": ["plain b"], "relative": True}),
    FeatureStep(kind="group_size", columns=["color", "city", AWKWARD], params={"name": "alike", "gaps": True}),
    FeatureStep(kind="frequency", columns=["city", "code"]),
    FeatureStep(kind="text_stats", columns=["note", "tags"]),
    FeatureStep(kind="list_length", columns=["tags"]),
    FeatureStep(kind="drop_columns", columns=["flag"]),
    FeatureStep(kind="impute_by_group", columns=[AWKWARD, "color"], params={"by": "city"}),
    FeatureStep(kind="rank", columns=["plain b"]),
    FeatureStep(kind="bins", columns=[AWKWARD], params={"bins": 5}),
    FeatureStep(kind="concatenate", columns=["color", "code_1"]),
    FeatureStep(kind="float32"),
    FeatureStep(kind="as_category", columns=["constant"]),
    FeatureStep(kind="as_number", columns=["flag"]),
    FeatureStep(kind="kmeans", columns=[AWKWARD, "plain b", "empty"]),
    FeatureStep(kind="date_cycles", columns=["when"]),
    FeatureStep(kind="group_stats", columns=["city"], params={"values": [AWKWARD]}),
    FeatureStep(kind="lags", columns=["plain b", AWKWARD], params={"time": "when", "by": "city"}),
    FeatureStep(kind="pca", columns=[AWKWARD, "plain b", "when_day"], params={"components": 2}),
]


def one(model: ModelKind, **fields: object) -> Recipe:
    return Recipe(members=[Member.model_validate({"name": model, "model": model, **fields})])


def several(blend: Blend = "greedy", **fields: object) -> Recipe:
    members = [Member(name=name, model=name) for name in ("lightgbm", "linear", "catboost")]  # type: ignore[arg-type]
    return Recipe(members=members, blend=blend).model_copy(update=fields)


def with_views(blend: Blend = "greedy") -> Recipe:
    """Members of three solutions: the recipe's own features, another's, and the plain columns that the others change."""
    members = [
        Member(name="lightgbm", model="lightgbm"), Member(name="linear", model="linear", view="b"),
        Member(name="lightgbm_b", model="lightgbm", view="b"), Member(name="plain", model="extra_trees", view="raw"),
    ]  # fmt: skip
    own = [FeatureStep(kind="log1p", columns=["plain b"]), FeatureStep(kind="as_category", columns=[AWKWARD])]
    theirs = [step for step in FEATURES if step.kind != "as_number"]
    views = {"b": View(features=theirs, drop=["city"]), "raw": View(drop=["color", "city", "flag", "note", "tags"])}
    return Recipe(members=members, features=own, views=views, blend=blend)


def variety(kind: TargetKind) -> list[Recipe]:
    """Recipes that between them reach every branch of the writer."""
    recipes = [one(model) for model in MODELS]
    recipes += [one(model, encoding=encoding) for model in MODELS[:7] for encoding in ENCODINGS]
    recipes += [one("linear", scaling="spline", encoding=encoding) for encoding in ("onehot", "target", "frequency")]
    recipes += [one(model, trials=5, encoding=encoding) for model in ("lightgbm", "catboost", "xgboost") for encoding in ("auto", "target")]
    recipes += [several(members=[Member(name="lightgbm", model="lightgbm", trials=5), Member(name="linear", model="linear")], seeds=2)]
    recipes += [one("svm", params={"C": 5.0, "kind": "wide"})]
    recipes += [one(model, early_stopping=True) for model in (*MODELS[:3], "xgboost")]
    recipes += [one("xgboost", encoding=encoding, early_stopping=stop) for encoding in ENCODINGS for stop in (False, True)]
    recipes += [one("xgboost", encoding=encoding).model_copy(update={"class_weight": "balanced"}) for encoding in ENCODINGS[:4]]
    recipes += [several(blend, seeds=seeds) for blend in BLENDS for seeds in (1, 3)]
    recipes += [several(decision=decision) for decision in DECISIONS]
    recipes += [several(calibration=how) for how in ("temperature", "isotonic")]
    recipes += [
        several("stack", target_transform=how, target_clip=(0.01, 0.99), decision="clip") for how in ("log1p", "log", "sqrt", "rank")
    ]
    recipes += [several(test_prediction="refit", class_weight="balanced"), several(features=FEATURES, drop=["city"])]
    recipes += [with_views(blend) for blend in BLENDS] + [with_views("single")]
    moved = with_views().model_copy(update={"members": with_views().members[1:]})
    recipes += [moved, moved.model_copy(update={"blend": "single"})]
    texts = [
        TextSettings(words=(1, 2), chars=(2, 4)),
        TextSettings(words=None, chars=(1, 3), lowercase=False, max_features=300),
        TextSettings(punctuation=True, stop_words=True, weighting="binary", list_items="both", sublinear=False),
    ]
    recipes += [one(model, text=text) for text in texts for model in ("lightgbm", "linear", "svm", "tfidf_linear")]
    if kind in (TargetKind.BINARY, TargetKind.MULTICLASS, TargetKind.ORDINAL, TargetKind.MULTILABEL):
        recipes += [one(model, text=text) for text in texts for model in ("nb_svm", "naive_bayes")] + [one("lda")]
    return recipes


def test_every_script_is_formatted_and_lint_free(tmp_path: Path) -> None:
    for number, (kind, prediction, metric) in enumerate(TASKS):
        brief = make_task(tmp_path / "task", kind, prediction, metric, text=True)
        for index, recipe in enumerate([*variety(kind), *draft_recipes(brief)]):
            script = write_script(recipe, brief, why=['Take the "log" of C:\\prices, because it is skewed', "word " * 60])
            (tmp_path / f"script_{number}_{index}.py").write_text(script, encoding="utf-8")

    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E4,E7,E9,F,I,B006,UP", "--target-version", "py311", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "--diff", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stdout[-3000:]
    assert formatted.returncode == 0, formatted.stdout[-3000:]


def test_views_that_read_a_column_in_different_ways_are_refused(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.BINARY, "label", "accuracy")
    odd = View(features=[FeatureStep(kind="as_number", columns=["flag"])])
    recipe = several().with_member(Member(name="odd", model="knn", view="odd")).model_copy(update={"views": {"odd": odd}})

    with pytest.raises(ValueError, match="flag in different ways"):
        write_script(recipe, brief)


def test_a_script_defines_nothing_it_does_not_use(tmp_path: Path) -> None:
    for kind, prediction, metric in TASKS:
        brief = make_task(tmp_path, kind, prediction, metric, text=True)
        for recipe in variety(kind):
            script = write_script(recipe, brief)
            tree = ast.parse(script)
            names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
            assigned = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
            names += [target.id for target in assigned if isinstance(target, ast.Name)]
            uses = Counter(re.findall(r"\w+", script))
            unused = [name for name in names if uses[name] < 2]
            assert not unused, (unused, kind, recipe)


def test_scripts_need_nothing_of_this_project(tmp_path: Path) -> None:
    brief = make_task(tmp_path, text=True)

    imported = {
        name.split(".")[0]
        for recipe in variety(TargetKind.BINARY)
        for node in ast.walk(ast.parse(write_script(recipe, brief)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }

    default = {"json", "os", "time", "contextlib", "itertools", "pathlib", "numpy", "pandas", "scipy", "sklearn", "lightgbm", "catboost"}
    extras = {"xgboost", "optuna", "torch"}
    assert imported <= default | extras


def test_rendering_is_deterministic_and_fast(tmp_path: Path) -> None:
    brief = make_task(tmp_path, text=True)
    recipe = several(features=FEATURES)
    first = write_script(recipe, brief)

    started = time.process_time()
    again = [write_script(Recipe.model_validate_json(recipe.model_dump_json()), brief) for _ in range(10)]

    assert set(again) == {first}
    assert (time.process_time() - started) / 10 < 0.02


@pytest.mark.parametrize(
    "change",
    [
        {"features": [FeatureStep(kind="missing_count")]},
        {"drop": ["city"]},
        {"decision": "threshold"},
        {"class_weight": "balanced"},
        {"seeds": 3},
        {"test_prediction": "refit"},
        {"members": [Member(name="lightgbm", model="lightgbm", params={"num_leaves": 7})]},
        {"members": [Member(name="lightgbm", model="lightgbm", encoding="target")]},
        {"members": [Member(name="lightgbm", model="lightgbm", early_stopping=True)]},
        {"members": [Member(name="lightgbm", model="lightgbm"), Member(name="linear", model="linear")], "blend": "greedy"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_change_of_a_recipe_changes_few_lines(tmp_path: Path, change: dict[str, object]) -> None:
    brief = make_task(tmp_path, metric="f1")
    recipe = one("lightgbm")
    before = write_script(recipe, brief).splitlines()
    after = write_script(recipe.model_copy(update=change), brief).splitlines()

    kept = sum(block.size for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks())

    assert before != after
    assert 1 - kept / max(len(before), len(after)) < 0.4


def test_the_docstring_tells_the_steps(tmp_path: Path) -> None:
    brief = make_task(tmp_path)

    script = write_script(one("lightgbm"), brief, why=["Split the codes into parts", 'Quote """ and \\ safely'])

    doc = ast.get_docstring(ast.parse(script)) or ""
    assert "- Split the codes into parts" in doc
    assert "accuracy" in doc
    assert "python solution.py" in doc


def test_drafts_span_families_and_suit_the_task(tmp_path: Path) -> None:
    for kind, prediction, metric in TASKS:
        for text in (False, True):
            brief = make_task(tmp_path, kind, prediction, metric, text=text)

            drafts = draft_recipes(brief)

            families = [draft.family for draft in drafts[:3]]
            assert len(drafts) >= 3
            assert len(set(families)) >= 2
            assert families[0] != families[1]
            assert all(write_script(draft, brief) for draft in drafts)


def test_a_log_metric_drafts_on_the_log_scale(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.REGRESSION, "number", "rmsle")

    script = write_script(draft_recipes(brief)[0], brief)

    assert "np.log1p(y[learn])" in script
    assert "np.expm1" in script


def test_a_step_on_an_unknown_column_is_refused(tmp_path: Path) -> None:
    brief = make_task(tmp_path)

    with pytest.raises(ValueError, match="no column 'nowhere'"):
        write_script(one("lightgbm").with_feature("log1p", ["nowhere"]), brief)


def test_a_text_model_without_text_is_refused(tmp_path: Path) -> None:
    brief = make_task(tmp_path)

    with pytest.raises(ValueError, match="needs a text column"):
        write_script(one("naive_bayes"), brief)


@pytest.mark.parametrize("text", ["plain", "it's", 'say "x"', "a\"b'c", "é\n\\", "''\"", ""])
def test_strings_survive_quoting(text: str) -> None:
    assert ast.literal_eval(string(text)) == text


def test_layout_breaks_only_what_is_too_long() -> None:
    inner = Call("inner_function", (1,), {"long_keyword_name": "x" * 40})

    text = layout(Call("outer", (inner, Call("", (2, 3)))), indent=4, room=8)

    assert text.count("\n") == 3, text
    assert max(map(len, text.splitlines())) <= 100
    assert layout(inner) == f'inner_function(1, long_keyword_name="{"x" * 40}")'


def test_long_lists_are_filled_lines() -> None:
    names = [f"column_{i}" for i in range(40)]

    text = packed("NUMBERS = ", names)

    assert ast.literal_eval(text.removeprefix("NUMBERS = ").removesuffix("  # fmt: skip")) == names
    assert max(map(len, text.splitlines())) <= 100
